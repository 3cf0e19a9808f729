/**
 * What of a job's checkpoints may go. Pure. The rules, in order: while none is known to be whole, none goes; one that is damaged or
 * set aside never goes by itself and never counts; what `LATEST` names stays, and every pinned one; so do the `keep` newest, of
 * which those that nobody has looked at yet count, and the newest that is known to be valid; and so do the best by `keepBest`.
 */
import type { KeepBest } from '../job/keep-best.ts';
import { byStep, type CheckpointRow, isGood } from '../api/checkpoint-row.ts';

export interface Retention {
  /** How many of the newest stay; 1 at least. */
  readonly keep: number;
  /** Those of every so-many-th step stay for good: `keepEvery` times `every`. Null is none. */
  readonly pinEvery: number | null;
  /** The best by a metric stay as well. Null, or not there, is none. */
  readonly keepBest?: KeepBest | null;
}

export const isPinned = (step: number, pinEvery: number | null): boolean =>
  pinEvery !== null && step > 0 && step % pinEvery === 0;

/** The best that may be loaded, the best first; of equal ones the newer. One without the metric is never among them. */
export function best(rows: readonly CheckpointRow[], rule: KeepBest | null | undefined): CheckpointRow[] {
  if (!rule) return [];
  const { metric, mode, keep } = rule;
  const sign = mode === 'min' ? 1 : -1;
  const scored = goodOnes(rows).flatMap(row => {
    const value = Object.hasOwn(row.metrics, metric) ? row.metrics[metric] : undefined;
    return value === undefined ? [] : [{ row, value }];
  });
  // Sorting is stable, and the newer come first.
  return scored
    .sort((a, b) => sign * (a.value - b.value))
    .slice(0, keep)
    .map(({ row }) => row);
}

/**
 * Those that may go, oldest first.
 * @param written a step that somebody hashed and wrote a moment ago; it counts as known to be whole
 */
export function prunable(
  rows: readonly CheckpointRow[],
  { keep, pinEvery, keepBest }: Retention,
  written: number | null = null,
): CheckpointRow[] {
  const good = goodOnes(rows);
  const anchor = safest(good) ?? good.find(({ step }) => step === written);
  if (anchor === undefined) return [];
  const stays = new Set([...good.slice(0, Math.max(1, keep)), ...best(rows, keepBest), anchor]);
  return good.filter(row => !stays.has(row) && !row.latest && !isPinned(row.step, pinEvery)).reverse();
}

/**
 * The one that goes where the disk is full and {@link prunable} names none: the oldest that is not pinned, nor of the best. What
 * training would go on from stays: the newest that is known to be valid, or the newest where none is, and what `LATEST` names.
 */
export function expendable(
  rows: readonly CheckpointRow[],
  { pinEvery, keepBest }: Omit<Retention, 'keep'>,
): CheckpointRow | null {
  const good = goodOnes(rows);
  const stays = new Set([...best(rows, keepBest), safest(good) ?? good[0]]);
  return good.findLast(row => !stays.has(row) && !row.latest && !isPinned(row.step, pinEvery)) ?? null;
}

const goodOnes = (rows: readonly CheckpointRow[]): CheckpointRow[] => rows.filter(isGood).sort(byStep);

const safest = (good: readonly CheckpointRow[]): CheckpointRow | undefined =>
  good.find(row => row.state === 'valid');
