/** What `ftc verify` breaks when nobody says: from how the undisturbed run went. Pure. */
import { generator } from '../../chaos/random.ts';
import type { FaultAct, Planned } from '../../chaos/plan.ts';

/** The run that the plan is made for, as it went undisturbed. */
export interface Undisturbed {
  readonly totalSteps: number;
  /** From the first step to the last, milliseconds. */
  readonly trainingMs: number;
  readonly heartbeatMs: number;
}

/** About this long between two kills, at the undisturbed run's speed. */
const BETWEEN_MS = 3_000;
/** A short run has at least about so many kills, a long one at most. */
const LEAST = 5;
const MOST = 40;
/** What comes later than this share of the way may come too late. */
const LAST = 0.85;

/**
 * Kills of a random worker every few seconds (each promotes the standby), one of the master, a pause that is too short to matter
 * and one that is longer than the heartbeat. At steps, not times: the same seed breaks the same places.
 */
export function defaultPlan({ totalSteps, trainingMs, heartbeatMs }: Undisturbed, seed: number): Planned[] {
  const random = generator(seed);
  const jitter = (width: number): number => (random() - 0.5) * width;
  const perKill = BETWEEN_MS / Math.max(trainingMs / totalSteps, 0.001);
  const spacing = Math.min(Math.max(perKill, totalSteps / MOST), (totalSteps * LAST) / LEAST);
  const at = (step: number, act: FaultAct): Planned => {
    const steps = Math.min(Math.max(1, Math.round(step)), Math.max(1, totalSteps - 1));
    return { timing: { at: { steps } }, act };
  };
  const of = (fault: string, target: FaultAct['target'], forMs: number | null = null): FaultAct => ({
    kind: 'fault',
    fault,
    target,
    rank: null,
    params: {},
    forMs,
  });

  const plan: Planned[] = [];
  const kills = Math.floor((totalSteps * LAST) / spacing - 0.25);
  for (let k = 1; k <= kills; k += 1) {
    plan.push(at((k + jitter(0.5)) * spacing, of('kill', 'worker')));
  }
  const short = Math.min(heartbeatMs / 4, 1_000);
  plan.push(at((0.35 + jitter(0.1)) * totalSteps, of('pause', 'worker', short)));
  plan.push(at((0.5 + jitter(0.1)) * totalSteps, of('kill', 'master')));
  plan.push(at((0.7 + jitter(0.1)) * totalSteps, of('pause', 'worker', heartbeatMs + 2_000)));
  return plan.sort((a, b) => stepOf(a) - stepOf(b));
}

const stepOf = ({ timing }: Planned): number =>
  'at' in timing && 'steps' in timing.at ? timing.at.steps : 0;
