/** Which checkpoint is verified next, and when. Pure. */
import { type CheckpointRow, isGood } from '../../api/checkpoint-row.ts';

/** Between two verifications at least. Milliseconds. */
const REST_MS = 1000;

export interface ScrubMoment {
  readonly now: number;
  /** How old a verification may get, milliseconds. */
  readonly everyMs: number;
  /** Not before: {@link restAfter}. */
  readonly restUntil: number;
  /** How many were verified before. */
  readonly turn: number;
}

export type ScrubPlan = { readonly verify: number } | { readonly waitMs: number };

/**
 * In turns, the newest that nobody has looked at yet, and the one that has waited longest: new ones may come faster than they are
 * read. Or how long there is none. One that is damaged is not looked at again.
 */
export function planScrub(rows: readonly CheckpointRow[], o: ScrubMoment): ScrubPlan {
  const dueAt = (row: CheckpointRow): number =>
    row.checkedAt === null ? -Infinity : row.checkedAt + o.everyMs;
  const good = rows.filter(isGood);
  const due = good.filter(row => dueAt(row) <= o.now);
  const rest = o.restUntil - o.now;
  const waiting = due.sort((a, b) => (a.checkedAt ?? 0) - (b.checkedAt ?? 0) || a.step - b.step);
  const fresh = o.turn % 2 === 0 ? waiting.findLast(row => row.checkedAt === null) : undefined;
  const first = fresh ?? waiting[0];
  if (first !== undefined && rest <= 0) return { verify: first.step };
  const next = due.length > 0 ? rest : Math.min(...good.map(row => dueAt(row) - o.now), o.everyMs);
  return { waitMs: Math.max(next, rest, 0) };
}

/** Reading may take half of the time: where checkpoints come faster than they are read, some are not. */
export const restAfter = (now: number, tookMs: number): number => now + Math.max(REST_MS, tookMs);
