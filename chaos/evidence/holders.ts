/**
 * What a run shows about steps that were committed and had to be done again. As long as one worker is left that holds the state,
 * there may be none: those count as lost. Where nobody was left, training goes back to a checkpoint: those count as repeated. Pure.
 */
import type { Recovery, Status } from '../../src/api/status.ts';

/** Who held the newest state, in one generation. */
export interface Holders {
  readonly generation: number;
  readonly ids: readonly string[];
}

/** Members at the newest step, or the one before: heartbeats tell of a step a little later than it happens. */
export function holdersOf(s: Status): Holders {
  const ids = s.workers
    .filter(w => w.rank !== null && w.step !== null && w.step > 0 && w.step >= (s.step ?? 0) - 1)
    .map(w => w.id);
  return { generation: s.generation, ids };
}

/** The newest look at each generation, in order. */
export function remember(seen: readonly Holders[], now: Holders): Holders[] {
  if (now.ids.length === 0) return [...seen];
  return [...seen.filter(h => h.generation !== now.generation), now].sort(
    (a, b) => a.generation - b.generation,
  );
}

/** Adds what the master tells to what it told before: a master that was killed may have forgotten its last. */
export function merge(before: readonly Recovery[], told: readonly Recovery[]): Recovery[] {
  const all = new Map(before.map(r => [r.at, r]));
  for (const r of told) all.set(r.at, r);
  return [...all.values()].sort((a, b) => a.at - b.at);
}

export interface StepsLost {
  readonly lost: number;
  readonly repeated: number;
}

export function stepsLost(recoveries: readonly Recovery[], seen: readonly Holders[]): StepsLost {
  let [lost, repeated] = [0, 0];
  for (const r of recoveries) {
    if (nobodyWasLeft(r, recoveries, seen)) repeated += r.stepsLost ?? 0;
    else lost += r.stepsLost ?? 0;
  }
  return { lost, repeated };
}

/** Everybody who held the state in the last generation seen before is among the lost. Not known counts as somebody left. */
function nobodyWasLeft(r: Recovery, recoveries: readonly Recovery[], seen: readonly Holders[]): boolean {
  const before = seen.findLast(h => h.generation < r.generation);
  if (!before) return false;
  const since = recoveries.filter(x => x.generation > before.generation && x.generation <= r.generation);
  const lost = new Set(since.flatMap(x => x.lost));
  return before.ids.every(id => lost.has(id));
}

/** Times of recoveries, milliseconds; null where there are none. */
export interface Times {
  readonly median: number | null;
  readonly max: number | null;
}

export function times(values: readonly (number | null)[]): Times {
  const known = values.filter(v => v !== null).sort((a, b) => a - b);
  const middle = known.length / 2;
  const [low, high] = [known[Math.ceil(middle) - 1], known[Math.floor(middle)]];
  return {
    median: low === undefined || high === undefined ? null : Math.round((low + high) * 5) / 10,
    max: known.at(-1) ?? null,
  };
}
