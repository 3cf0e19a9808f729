/** What the workers tell of the checkpoints that they write: added up for the status, and as lines for people. Pure. */
import type { Inbound } from '../../protocol/inbound.ts';
import type { FactOf } from '../../api/fact.ts';
import type { CheckpointStatus } from '../../api/checkpoint-status.ts';

export type CheckpointReport = Extract<Inbound, { type: 'checkpoint' }>;

/** The same trouble is news once in so many milliseconds. */
const AGAIN_MS = 60_000;
/** What began so soon after it was due did not wait for the disk. Milliseconds. */
const LATE_MS = 10;

export interface Tally extends Omit<CheckpointStatus, 'damaged'> {
  /** How many failed since one succeeded. */
  failures: number;
  /** When it was last told that one failed, and why; that one was late. */
  toldFailed: { readonly at: number; readonly code: string | null } | null;
  toldLate: number | null;
}

export interface Line {
  readonly level: 'info' | 'warn';
  readonly fact: FactOf<'checkpoint-published' | 'checkpoint-failed'>;
}

export function createTally(): Tally {
  return {
    last: null,
    failed: null,
    delayed: 0,
    delayedMs: 0,
    failures: 0,
    toldFailed: null,
    toldLate: null,
  };
}

/** Takes a report into `t`, and says it. */
export function note(t: Tally, report: CheckpointReport, now: number): Line {
  return report.ok ? durable(t, report, now) : failed(t, report, now);
}

function durable(t: Tally, report: CheckpointReport, now: number): Line {
  const { step, bytes: size, stallMs, writeMs, serialiseMs, fsyncMs, delayedMs } = report;
  t.last = { step, at: now, bytes: size, stallMs, writeMs, serialiseMs, fsyncMs, delayedMs };
  const before = t.failures;
  t.failures = 0;
  t.toldFailed = null;
  const late = delayedMs >= LATE_MS;
  if (late) {
    t.delayed += 1;
    t.delayedMs += delayedMs;
  }
  const lateMs = late ? delayedMs : 0;
  const counts = { bytes: size, stallMs, writeMs, lateMs, failures: before };
  const fact = { what: 'checkpoint-published', step, ...counts } as const;
  const warn = before === 0 && late && isNews(t.toldLate, now);
  if (warn) t.toldLate = now;
  return { level: warn ? 'warn' : 'info', fact };
}

function failed(t: Tally, { step, error, code }: CheckpointReport, now: number): Line {
  t.failed = { step, at: now, error: error ?? 'the worker does not say why' };
  t.failures += 1;
  const warn = t.toldFailed === null || t.toldFailed.code !== code || isNews(t.toldFailed.at, now);
  if (warn) t.toldFailed = { at: now, code };
  const fact = { what: 'checkpoint-failed', step, reason: error, code } as const;
  return { level: warn ? 'warn' : 'info', fact };
}

const isNews = (toldAt: number | null, now: number): boolean => toldAt === null || now - toldAt >= AGAIN_MS;

/** The disk, or a quota on it, is full: others may go to make room. */
export function isFull({ ok, code }: Pick<CheckpointReport, 'ok' | 'code'>): boolean {
  return !ok && (code === 'ENOSPC' || code === 'EDQUOT');
}
