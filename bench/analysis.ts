/** From commits to figures. Pure; times in milliseconds since the epoch. */
import type { Commit } from './commit-log.ts';
import { Invalid } from './invalid.ts';

export interface Loss {
  /** When it was asked for. */
  readonly at: number;
  readonly victims: ReadonlySet<string>;
  /** The newest generation before it. */
  readonly generation: number;
  /** World size when nothing is missing. */
  readonly full: number;
}

export interface Recovered {
  /** To the first step that survivors committed without the lost. */
  readonly resumedMs: number;
  /** To the first step committed at full world size. */
  readonly wholeMs: number;
  /** Committed steps that survivors made again. */
  readonly lost: number;
}

/**
 * What followed a loss, once it is over; null before. `commits`: by time, from well before the loss.
 * Steps that are still committed together with a victim, between the order to kill and its death, are not yet a recovery.
 * @throws Invalid when survivors left a step out
 */
export function recovered(commits: readonly Commit[], loss: Loss): Recovered | null {
  const later = commits.filter(c => c.at > loss.at && c.generation > loss.generation);
  const resumed = later.find(c => !loss.victims.has(c.worker));
  const whole = later.find(c => c.world === loss.full);
  if (!resumed || !whole) return null;
  const before = commits.filter(c => c.generation <= loss.generation && !loss.victims.has(c.worker));
  const highest = Math.max(...before.map(c => c.step));
  if (resumed.step > highest + 1)
    throw new Invalid(`step ${resumed.step} followed step ${highest}: a step was left out`);
  return {
    resumedMs: resumed.at - loss.at,
    wholeMs: whole.at - loss.at,
    lost: highest - (resumed.step - 1),
  };
}

/** As {@link recovered} where every process is a new one and the script goes on from its checkpoint. */
export function restarted(
  commits: readonly Commit[],
  before: ReadonlySet<string>,
  loss: Omit<Loss, 'generation' | 'victims'>,
): Recovered | null {
  const later = commits.filter(c => !before.has(c.process));
  const resumed = later[0];
  const whole = later.find(c => c.world === loss.full);
  if (!resumed || !whole) return null;
  const highest = Math.max(...commits.filter(c => before.has(c.process)).map(c => c.step));
  return {
    resumedMs: resumed.at - loss.at,
    wholeMs: whole.at - loss.at,
    lost: highest - (resumed.step - 1),
  };
}

/** The generation in which all ranks have committed at least `steps` steps of late, all at full size; null otherwise. */
export function settled(
  latest: readonly Commit[],
  recent: readonly Commit[],
  full: number,
  steps: number,
): number | null {
  const generation = Math.max(...latest.map(c => c.generation));
  const counts = new Map<string, number>();
  for (const c of recent)
    if (c.generation === generation && c.world === full)
      counts.set(c.process, (counts.get(c.process) ?? 0) + 1);
  return [...counts.values()].filter(n => n >= steps).length === full ? generation : null;
}

/** When each step was first committed by anybody, by time. */
export function stepTimes(commits: readonly Commit[]): number[] {
  const first = new Map<number, number>();
  for (const { step, at } of commits) if (at < (first.get(step) ?? Infinity)) first.set(step, at);
  return [...first.values()].sort((a, b) => a - b);
}

/** Between consecutive times. */
export function gaps(times: readonly number[]): number[] {
  return times.slice(1).map((at, i) => at - (times[i] ?? at));
}

/** Steps a second over the window, counted by their first commits. */
export function pace(commits: readonly Commit[], from: number, to: number): number {
  return stepTimes(commits).filter(at => at > from && at <= to).length / ((to - from) / 1000);
}
