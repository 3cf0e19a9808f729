/**
 * Ranks that are far slower than the others, from what their slices took: workers carry different numbers of them. The
 * median of several steps against the median of the others, so that one slow step, or one slow worker, moves nothing.
 */
import type { Effect } from './events.ts';
import { history } from './effects.ts';
import { lose } from './loss.ts';
import type { Membership, Speed, Worker } from './state.ts';
import { attached, nameOf, rankOf } from './state.ts';

/** A slice takes this many times as long as the others': slow. */
const SLOW = 2;
/** Below this it keeps up again. */
const FINE = 1.5;
/** A difference of less than this, in milliseconds a slice, is not worth a word. */
const WORTH_MS = 5;
/** So many steps, over so many milliseconds, before anything is said. */
const LEAST_STEPS = 5;
const LEAST_MS = 5000;
/** What is remembered: steps of the last while, one now and then, and a few older ones where steps are long. */
const WINDOW_MS = 15_000;
const APART_MS = 250;
/** How often ranks are compared, milliseconds. */
const COMPARE_MS = 1000;
/** A worker is replaced for being slow at most so often, milliseconds. */
const REPLACE_MS = 60_000;

export const noSpeed = (): Speed => ({ steps: [], slow: null });

/** What a worker's heartbeat says of its last step; one that was noted before is no news. */
export function note(
  speed: Speed,
  step: number,
  computeMs: number | null,
  slices: number,
  now: number,
): void {
  const { steps } = speed;
  const last = steps.at(-1);
  if (computeMs === null || slices < 1) return;
  if (last !== undefined && (last.step === step || now - last.at < APART_MS)) return;
  steps.push({ at: now, step, sliceMs: computeMs / slices });
  while (steps.length > LEAST_STEPS && now - (steps[0]?.at ?? now) > WINDOW_MS) steps.shift();
}

/** Another generation: other slices, other neighbours. */
export function forget(m: Membership): void {
  for (const w of m.workers.values()) w.speed.steps.length = 0;
}

/** Compares ranks, and says or does what the job asks for. */
export function compare(m: Membership, now: number): Effect[] {
  if (now - m.comparedAt < COMPARE_MS || m.state !== 'running') return [];
  m.comparedAt = now;
  const known = attached(m).flatMap(w => {
    const typical = typicalOf(w.speed, now);
    return typical === null ? [] : [{ w, typical }];
  });
  if (known.length < 2) return [];
  const sorted = known.map(k => k.typical).sort((a, b) => a - b);
  const effects: Effect[] = [];
  for (const { w, typical } of known) {
    effects.push(...judge(m, w, typical, medianWithout(sorted, typical), now));
  }
  return effects;
}

function judge(m: Membership, w: Worker, own: number, others: number, now: number): Effect[] {
  const factor = Math.min(999, Math.round((own / Math.max(others, 0.001)) * 10) / 10);
  const limit = w.speed.slow === null ? SLOW : FINE;
  const slow = factor > limit && own - others >= WORTH_MS;
  const was = w.speed.slow;
  w.speed.slow = slow ? factor : null;
  const where = { worker: w.id, rank: rankOf(m, w.id), step: w.step };
  const who = { name: nameOf(m, w.id), rank: where.rank };
  if (!slow) return was === null ? [] : [history('info', { what: 'straggler-caught-up', ...who }, where)];
  const fact = { what: 'straggler-found', ...who, factor, sliceMs: own, othersMs: others } as const;
  const effects = was === null ? [history('warn', fact, where)] : [];
  return [...effects, ...replace(m, w, factor, now)];
}

function replace(m: Membership, w: Worker, factor: number, now: number): Effect[] {
  if (m.config.onStraggler !== 'replace' || attached(m).length < 2) return [];
  if (now - (m.replacedAt.get(w.id) ?? -Infinity) < REPLACE_MS) return [];
  m.replacedAt.set(w.id, now);
  return lose(m, w, { kind: 'slow', factor }, now);
}

/** The median of its slices; null while too little is known. */
function typicalOf({ steps }: Speed, now: number): number | null {
  const first = steps[0];
  if (first === undefined || steps.length < LEAST_STEPS || now - first.at < LEAST_MS) return null;
  return median(steps.map(s => s.sliceMs).sort((a, b) => a - b));
}

function median(sorted: readonly number[]): number {
  const middle = sorted.length >> 1;
  const high = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? high : ((sorted[middle - 1] ?? 0) + high) / 2;
}

/** The median of a sorted list less one of its values, without making that list. */
function medianWithout(sorted: readonly number[], value: number): number {
  let gap = 0;
  for (let end = sorted.length - 1; gap < end;) {
    const middle = (gap + end) >> 1;
    if ((sorted[middle] ?? 0) < value) gap = middle + 1;
    else end = middle;
  }
  const at = (i: number): number => sorted[i < gap ? i : i + 1] ?? 0;
  const left = sorted.length - 1;
  return left % 2 === 1 ? at(left >> 1) : (at(left / 2 - 1) + at(left / 2)) / 2;
}
