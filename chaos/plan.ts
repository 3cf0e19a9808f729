/** What is to be broken, and when. */
import { duration } from '../src/shared/duration.ts';
import type { Params, Target } from './faults/fault.ts';
import type { Mark, Timing } from './schedule.ts';

/**
 * A fault with its target. `worker` is one that trains, and never the last of several that do; `rank` takes the worker that holds it,
 * whoever else is left.
 */
export interface FaultAct {
  readonly kind: 'fault';
  /** The fault's name. */
  readonly fault: string;
  readonly target: Target;
  readonly rank: number | null;
  readonly params: Params;
  /** After which the fault is undone; null where it is not. */
  readonly forMs: number | null;
}

export type Act = FaultAct | { readonly kind: 'scale'; readonly workers: number };

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
    engine: 'the engine',
  }[act.target];
  return `${act.fault} ${what}${act.forMs === null ? '' : ` for ${duration(act.forMs)}`}`;
}

/** `at step 40`, `every 3.00 s`. */
export function describeTiming(timing: Timing): string {
  const mark = (m: Mark, steps: (n: number) => string): string =>
    'steps' in m ? steps(m.steps) : duration(m.ms);
  return 'at' in timing
    ? `at ${mark(timing.at, n => `step ${n}`)}`
    : `every ${mark(timing.every, n => `${n} steps`)}`;
}
