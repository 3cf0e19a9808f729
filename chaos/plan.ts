/** What is to be broken, and when. */
import { duration } from '../src/shared/duration.ts';
import type { FaultName } from './faults/index.ts';
import type { Mark, Timing } from './schedule.ts';

/**
 * `worker` is one that trains, and never the last of several that do; `standby` one that waits; `all` every worker at once. `rank`
 * takes the worker that holds it, whoever else is left.
 */
export const targets = ['worker', 'standby', 'master', 'supervisor', 'all'] as const;
type Target = (typeof targets)[number];

export interface ContainerAct {
  readonly kind: FaultName;
  readonly target: Target;
  readonly rank: number | null;
  /** After which the fault is reverted; null where it is not. */
  readonly forMs: number | null;
}

export type Act = ContainerAct | { readonly kind: 'scale'; readonly workers: number };

export interface Planned {
  readonly timing: Timing;
  readonly act: Act;
}

/** `kill rank 1`, `pause a worker for 2 s`, `scale to 5 workers`. */
export function describeAct(act: Act): string {
  if (act.kind === 'scale') return `scale to ${act.workers} worker${act.workers === 1 ? '' : 's'}`;
  const what = {
    worker: act.rank === null ? 'a worker' : `rank ${act.rank}`,
    standby: 'a standby',
    master: 'the master',
    supervisor: 'the supervisor',
    all: 'all workers',
  }[act.target];
  return `${act.kind} ${what}${act.forMs === null ? '' : ` for ${duration(act.forMs)}`}`;
}

/** `at step 40`, `every 3.00 s`. */
export function describeTiming(timing: Timing): string {
  const mark = (m: Mark, steps: (n: number) => string): string =>
    'steps' in m ? steps(m.steps) : duration(m.ms);
  return 'at' in timing
    ? `at ${mark(timing.at, n => `step ${n}`)}`
    : `every ${mark(timing.every, n => `${n} steps`)}`;
}
