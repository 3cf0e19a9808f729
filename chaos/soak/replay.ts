/** A broken round as a scenario that does the same again: the faults that came, at the steps at which they came, to those whom they hit. Pure. */
import type { Evidence, SeenFault } from '../evidence/evidence.ts';
import type { Outcome } from '../scenarios/experiment.ts';
import type { Entry } from '../scenarios/method.ts';
import { scenarioText } from '../scenarios/write.ts';
import { visible } from '../../src/shared/visible.ts';

/** @param how what made it, for the comment */
export function replayOf({ scenario, seed, reason, entries, evidence }: Outcome, how: string): string {
  return scenarioText({
    title: `${scenario.title}, again`,
    description: `What happened in ${scenario.name}.`,
    job: scenario.job,
    hypothesis: scenario.hypothesis,
    entries: evidence === null ? entries : happened(entries, evidence),
    atOnce: scenario.atOnce,
    minInterval: scenario.minInterval,
    seed,
    comment: [
      `Made by: ${oneLine(how)}`,
      `What broke: ${oneLine(reason ?? 'nothing')}`,
      'These are the faults up to then, in their order.',
    ],
  });
}

/** In the order in which they came. */
const happened = (entries: readonly Entry[], { faults }: Pick<Evidence, 'faults'>): Entry[] =>
  [...faults].sort((a, b) => a.asked - b.asked).flatMap(fault => again(entries, fault));

function again(entries: readonly Entry[], { entry, step, hits }: SeenFault): Entry[] {
  const deed = entries[entry]?.deed;
  if (!deed) return [];
  const timing = { at: { steps: Math.max(1, step) } };
  const [hit, ...more] = hits;
  const one = deed.kind === 'fault' && deed.target === 'worker' && more.length === 0;
  // Whom it hit was drawn among those who were there; the rank says it again.
  const whom = one && hit?.rank != null ? { ...deed, rank: hit.rank, count: null, percent: null } : deed;
  return [{ timing, deed: whom, drawn: false }];
}

const oneLine = (text: string): string => visible(text.replaceAll(/\s+/g, ' ')).slice(0, 300);
