/** Which checkpoint is verified next, and when. Pure. */
import { type CheckpointRow, isGood } from '../../checkpoint/row.ts';

/** Between two verifications at least. Milliseconds. */
const REST_MS = 1000;

export interface ScrubMoment {
  readonly now: number;
  /** How old a verification may get, milliseconds. */
  readonly everyMs: number;
  /** Not before: {@link restAfter}. */
  readonly restUntil: number;
}

export type ScrubPlan = { readonly verify: number } | { readonly waitMs: number };

/**
 * The newest that nobody has looked at yet, or else the one whose last look is the oldest and too old; or how long there is none.
 * One that is damaged is not looked at again.
 */
export function planScrub(rows: readonly CheckpointRow[], o: ScrubMoment): ScrubPlan {
  const dueAt = (row: CheckpointRow): number =>
    row.checkedAt === null ? -Infinity : row.checkedAt + o.everyMs;
  const good = rows.filter(isGood);
  const due = good.filter(row => dueAt(row) <= o.now);
  const rest = o.restUntil - o.now;
  const [first] = due.sort((a, b) => (a.checkedAt ?? 0) - (b.checkedAt ?? 0) || b.step - a.step);
  if (first !== undefined && rest <= 0) return { verify: first.step };
  const next = due.length > 0 ? rest : Math.min(...good.map(row => dueAt(row) - o.now), o.everyMs);
  return { waitMs: Math.max(next, rest, 0) };
}

/** Reading may take half of the time: where checkpoints come faster than they are read, some are not. */
export const restAfter = (now: number, tookMs: number): number => now + Math.max(REST_MS, tookMs);
