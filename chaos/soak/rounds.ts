/** The rounds of a soak: each a scenario with faults of its own, drawn by the soak's seed. Pure. */
import type { JobFile } from '../../src/job/schema.ts';
import type { Hypotheses } from '../hypotheses/index.ts';
import { targetSeed } from '../schedule.ts';
import type { Scenario } from '../scenarios/scenario.ts';

/** Long enough that starting a job does not take most of the time. */
const job: JobFile = { standbys: 1, steps: 400, checkpoint: { every: 20, keep: 6 } };
/** Steps that are done again are no loss: some faults leave nobody. */
const hypothesis: Hypotheses = { standstill: 90_000 };
const FAULTS = 20;
const AT_ONCE = 2;
const APART_MS = 300;

export interface SoakPlan {
  readonly seed: number;
  /** Null for all that can be drawn. */
  readonly kinds: readonly string[] | null;
}

/**
 * @param round from 1
 * @param left faults that are still to come; null for any number
 */
export function roundOf(
  plan: SoakPlan,
  round: number,
  left: number | null,
): { scenario: Scenario; seed: number } {
  const random = Math.max(1, Math.min(FAULTS, left ?? FAULTS));
  const scenario: Scenario = {
    name: `soak-${plan.seed}-round-${round}`,
    file: null,
    title: `Soak, round ${round}`,
    description: `${random} faults at random, up to ${AT_ONCE} at a time.`,
    job,
    hypothesis,
    method: [{ random, kinds: plan.kinds, after: 0.03, before: 0.9 }],
    rollbacks: [],
    atOnce: AT_ONCE,
    minInterval: APART_MS,
    seed: null,
  };
  return { scenario, seed: targetSeed(plan.seed, round, 0) };
}
