/** Of steps that were committed and had to be done again. */
import type { Evidence } from '../evidence/evidence.ts';
import { stepsLost as count } from '../evidence/holders.ts';
import { hypothesis, many } from './hypothesis.ts';
import { most } from './limits.ts';

export const stepsLost = hypothesis<number>({
  limit: most('Committed steps that may be lost although a worker was left that held the state.'),
  usual: 0,
  claim: limit => (limit === 0 ? 'no committed step is lost' : `at most ${many(limit, 'step')} lost`),
  judge(limit, evidence) {
    const { recoveries, holders, state } = evidence;
    const { lost } = count(recoveries, holders);
    const unseen = unmeasured(evidence);
    if (unseen > 0 && lost <= limit) return { holds: null, seen: notSeen(unseen) };
    // Who is lost after the last step takes none along.
    const open = state !== 'succeeded' && recoveries.some(r => r.resumedMs === null);
    if (open && lost <= limit) return { holds: null, seen: 'training did not go on after the last loss' };
    const losses = recoveries.reduce((sum, r) => sum + r.lost.length, 0);
    return { holds: lost <= limit, seen: `${lost} lost, in ${many(losses, 'loss', 'losses')} of a worker` };
  },
});

export const stepsRepeated = hypothesis<number>({
  limit: most('Steps that may be done again from a checkpoint, after nobody was left that held the state.'),
  claim: limit => `at most ${many(limit, 'step')} are done again from a checkpoint`,
  judge(limit, evidence) {
    const { repeated } = count(evidence.recoveries, evidence.holders);
    const unseen = unmeasured(evidence);
    if (unseen > 0 && repeated <= limit) return { holds: null, seen: notSeen(unseen) };
    return { holds: repeated <= limit, seen: `${repeated} were done again` };
  },
});

const notSeen = (n: number): string =>
  `nobody saw at which step training went on after ${many(n, 'loss', 'losses')}`;

/** Losses after which training went on, by the steps that were seen, without a word of the master's on where. */
function unmeasured({ recoveries, steps, origin, totalSteps }: Evidence): number {
  const goesOn = (at: number, from: number): boolean =>
    steps.some(([t, step]) => {
      if (step === null || t <= at - origin) return false;
      // What was committed just before is heard a moment later; after the last step there is nothing to go on with.
      return step > 0 && Math.abs(step - from) > 1 && step < (totalSteps ?? Infinity);
    });
  return recoveries.filter(r => r.resumedMs === null && goesOn(r.at, r.atStep)).length;
}
