/** When a command breaks something again: a pure function of its flags, what it has done, and the time. Times in milliseconds. */
import { generator } from './random.ts';
import { targetSeed } from './schedule.ts';

export interface Pace {
  /** From one to the next, drawn anew each time; null for as soon as all else allows. */
  readonly everyMs: readonly [number, number] | null;
  readonly times: number | null;
  /** Nothing is broken after it. */
  readonly totalMs: number | null;
  readonly minIntervalMs: number;
  /** Containers that may be broken at one time; null for any number. */
  readonly maxConcurrent: number | null;
}

export interface Paced {
  readonly count: number;
  readonly lastAt: number | null;
  /** Not before. */
  readonly dueAt: number;
}

export const begin: Paced = { count: 0, lastAt: null, dueAt: 0 };

/**
 * @param now since the command began
 * @param inForce containers that are broken at the moment
 * @param wanted how many the next one breaks
 * @param met what was asked for with `--when` is so
 */
export function decide(
  pace: Pace,
  state: Paced,
  now: number,
  { inForce, wanted, met }: { inForce: number; wanted: number; met: boolean },
): 'hit' | 'wait' | 'over' {
  if (state.count >= (pace.times ?? Infinity) || now >= (pace.totalMs ?? Infinity)) return 'over';
  if (!met || now < state.dueAt) return 'wait';
  if (state.lastAt !== null && now - state.lastAt < pace.minIntervalMs) return 'wait';
  return inForce + wanted > (pace.maxConcurrent ?? Infinity) ? 'wait' : 'hit';
}

/** After one more. The same seed draws the same intervals. */
export function after(pace: Pace, state: Paced, now: number, seed: number): Paced {
  const [least, most] = pace.everyMs ?? [0, 0];
  const drawn = least + generator(targetSeed(seed, 0, state.count))() * (most - least);
  return { count: state.count + 1, lastAt: now, dueAt: now + drawn };
}
