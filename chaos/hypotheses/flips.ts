/** Of bits that were flipped in workers' memory: nothing but the comparison of their states can show them. */
import type { Evidence, SeenFault } from '../evidence/evidence.ts';
import { FOUND_WITHIN_STEPS } from '../replicas.ts';
import { hypothesis, many } from './hypothesis.ts';
import { yes } from './limits.ts';

export const flipsFound = hypothesis<boolean>({
  limit: yes(`Each bit that is flipped in a worker's memory is found within ${FOUND_WITHIN_STEPS} steps.`),
  claim: wanted => (wanted ? `each flipped bit is found within ${FOUND_WITHIN_STEPS} steps` : null),
  judge(_, evidence) {
    const flips = evidence.faults.filter(isFlip);
    if (flips.length === 0) return none;
    const found = flips.map(flip => stepsUntilFound(flip, evidence));
    const late = flips.filter((_flip, i) => (found[i] ?? Infinity) > FOUND_WITHIN_STEPS);
    const [first] = late;
    if (first) {
      const { step } = first;
      return { holds: false, seen: `${late.length} of ${flips.length} not, the first at step ${step}` };
    }
    const steps = found.map(String).join(', ');
    return { holds: true, seen: `${many(flips.length, 'flip')}, found after ${steps} steps` };
  },
});

export const flipsRepaired = hypothesis<boolean>({
  limit: yes("What flipped bits have changed is put right: from the other workers' state, or a checkpoint."),
  claim: wanted => (wanted ? 'each flipped bit is put right' : null),
  judge(_, { faults, replicas: { repaired, returned } }) {
    const flips = faults.filter(isFlip).reduce((sum, f) => sum + f.hits.length, 0);
    if (flips === 0) return none;
    const seen = `${many(flips, 'flip')}, ${repaired} repaired, ${many(returned, 'return')} to a checkpoint`;
    return { holds: repaired + returned >= flips, seen };
  },
});

const none = { holds: null, seen: 'no bit was flipped' } as const;

const isFlip = ({ fault }: SeenFault): boolean => fault === 'bitflip';

/** Null where no difference was told of after it. One at the same time may be told of by the same event. */
function stepsUntilFound(flip: SeenFault, { events, steps }: Evidence): number | null {
  const event = events.find(e => e.kind === 'replicas' && e.step !== null && e.at >= flip.at);
  if (event?.step == null) return null;
  // The master hears of a step a little after it: where it happened is known from the next that it heard of.
  const next = steps.find(([at, step]) => at > flip.at && step !== null)?.[1] ?? flip.step;
  return Math.max(0, event.step - Math.max(flip.step, Math.min(next, event.step)));
}
