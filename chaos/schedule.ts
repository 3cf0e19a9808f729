/**
 * When faults happen: a pure function of the plan, what has happened of it, and how far the training is. A fault that cannot be
 * applied yet (nobody holds that rank, say) simply stays due.
 */

/** A place on the way: committed steps, or milliseconds since the first one. */
export type Mark = { readonly steps: number } | { readonly ms: number };

export type Timing =
  | { readonly at: Mark }
  /** Again and again, at most `times` times; the first after one interval. */
  | { readonly every: Mark; readonly times: number | null };

/** How far the training is. Neither number ever goes back. */
export interface Progress {
  readonly steps: number;
  readonly ms: number;
}

interface Fired {
  readonly times: number;
  readonly last: Progress;
}

/** What has happened of a plan, entry by entry. */
export type Ledger = readonly Fired[];

const start: Progress = { steps: 0, ms: 0 };

export const begin = (plan: readonly { readonly timing: Timing }[]): Ledger =>
  plan.map(() => ({ times: 0, last: start }));

/** The entries whose time has come, in the plan's order. */
export function due(plan: readonly { readonly timing: Timing }[], ledger: Ledger, now: Progress): number[] {
  return plan.flatMap(({ timing }, index) => {
    const { times, last } = ledger[index] ?? { times: 0, last: start };
    if (isOver(timing, times)) return [];
    return 'at' in timing
      ? reached(timing.at, now, start)
        ? [index]
        : []
      : reached(timing.every, now, last)
        ? [index]
        : [];
  });
}

/** The ledger after entry `index` was applied. An interval begins anew: what was held up does not come in a burst. */
export function fire(ledger: Ledger, index: number, now: Progress): Ledger {
  return ledger.map((fired, i) => (i === index ? { times: fired.times + 1, last: now } : fired));
}

/** Entries that should have come once and never did. */
export function missed(plan: readonly { readonly timing: Timing }[], ledger: Ledger): number[] {
  return plan.flatMap((_, index) => ((ledger[index]?.times ?? 0) === 0 ? [index] : []));
}

/** The seed for choosing the target of an entry's next firing: another one each time, the same for the same run. */
export function targetSeed(seed: number, index: number, times: number): number {
  return (
    (Math.imul(seed, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b) ^ Math.imul(times + 1, 0xc2b2ae35)) >>> 0
  );
}

function isOver(timing: Timing, times: number): boolean {
  return 'at' in timing ? times > 0 : timing.times !== null && times >= timing.times;
}

function reached(mark: Mark, now: Progress, since: Progress): boolean {
  return 'steps' in mark ? now.steps - since.steps >= mark.steps : now.ms - since.ms >= mark.ms;
}
