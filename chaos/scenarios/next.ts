/** Which entry of a method comes next: a pure function of what has been done, and of how the job stands. */
import { begin, due, type Ledger, type Progress, type Timing } from '../schedule.ts';
import { isMet, type Look } from '../when.ts';
import type { Entry } from './method.ts';

export interface Situation {
  readonly progress: Progress;
  /** The look before this one. */
  readonly before: Look | null;
  readonly look: Look;
  /** Faults that are in force. */
  readonly inForce: number;
  /** Since the last fault began, milliseconds; null before the first. */
  readonly sinceLast: number | null;
}

export interface Limits {
  readonly atOnce: number;
  readonly minInterval: number;
}

const NEVER: Timing = { every: { ms: Infinity }, times: 0 };
const timed = ({ timing }: Entry): { timing: Timing } => ({ timing: 'when' in timing ? NEVER : timing });

export const beginOf = (entries: readonly Entry[]): Ledger => begin(entries.map(timed));

/**
 * Entries whose time has come, in the order to try them in; none while as many faults are in force as may be. A moment that is
 * missed by that is waited for again; a place on the way stays due.
 */
export function next(entries: readonly Entry[], ledger: Ledger, s: Situation, limits: Limits): number[] {
  if (s.inForce >= limits.atOnce) return [];
  if (s.sinceLast !== null && s.sinceLast < limits.minInterval) return [];
  const met = entries.flatMap(({ timing }, index) => {
    if (!('when' in timing) || timesOf(ledger, index) >= timing.times) return [];
    return isMet(timing.when, s.before, s.look) ? [index] : [];
  });
  return [...met, ...due(entries.map(timed), ledger, s.progress)];
}

/** Nothing is to come any more. */
export const isThrough = (entries: readonly Entry[], ledger: Ledger): boolean =>
  entries.every(({ timing }, index) => {
    const most = 'at' in timing ? 1 : timing.times;
    return most !== null && timesOf(ledger, index) >= most;
  });

/** Entries that should have come and did not: those of `every` without `times` come at least once. */
export function missedOf(entries: readonly Entry[], ledger: Ledger): { entry: Entry; times: number }[] {
  return entries.flatMap((entry, index) => {
    const { timing } = entry;
    const wanted = 'at' in timing ? 1 : (timing.times ?? 1);
    const times = wanted - timesOf(ledger, index);
    return times > 0 ? [{ entry, times }] : [];
  });
}

export const timesOf = (ledger: Ledger, index: number): number => ledger[index]?.times ?? 0;
