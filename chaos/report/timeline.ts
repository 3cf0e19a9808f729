/** What the drawing of a run shows, put in rows and places. Pure. */
import type { Doing, Evidence, SeenFault } from '../evidence/evidence.ts';

export interface Row {
  readonly name: string;
  readonly spans: readonly { readonly from: number; readonly to: number; readonly doing: Doing }[];
  /** Faults that hit it, by their number from 1. */
  readonly faults: readonly { readonly n: number; readonly fault: SeenFault }[];
}

/** The part of the watch that is worth drawing: from a moment before the first step. */
export function windowOf({ firstStep, end }: Pick<Evidence, 'firstStep' | 'end'>): [number, number] {
  const from = Math.max(0, (firstStep ?? 0) - 400);
  return [from, Math.max(end, from + 1)];
}

/** A row for each container that trained, in the order of their names: one that was made anew under its name goes on in the same one. */
export function rowsOf({ lanes, faults }: Pick<Evidence, 'lanes' | 'faults'>): Row[] {
  const byName = new Map<string, Evidence['lanes']>();
  for (const lane of lanes) {
    const name = lane.container ?? lane.id;
    byName.set(name, [...(byName.get(name) ?? []), lane]);
  }
  const short = shortNames({ lanes });
  return [...byName.entries()]
    .sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }))
    .map(([name, own]) => ({
      name: short(name),
      spans: inTurn(own),
      faults: faults.flatMap((fault, i) =>
        fault.hits.some(h => h.container === name) ? [{ n: i + 1, fault }] : [],
      ),
    }));
}

/** What hit master or supervisor, in a row each; none where nothing did. */
export function controlRows({ faults, steps, end }: Evidence): Row[] {
  const silent = silences(steps, end);
  return (['master', 'supervisor'] as const).flatMap(role => {
    const hits = faults.flatMap((fault, i) =>
      fault.hits.some(h => h.role === role) ? [{ n: i + 1, fault }] : [],
    );
    if (hits.length === 0) return [];
    const spans =
      role === 'master' ? silent.map(([from, to]) => ({ from, to, doing: 'unknown' as const })) : [];
    return [{ name: role, spans, faults: hits }];
  });
}

/** When the master did not answer. */
export function silences(steps: Evidence['steps'], end: number): [number, number][] {
  return steps.flatMap(([at, step], i): [number, number][] =>
    step === null ? [[at, steps[i + 1]?.[0] ?? end]] : [],
  );
}

/** Each ends where the one after it begins. */
function inTurn(lanes: Evidence['lanes']): Row['spans'] {
  const sorted = [...lanes].sort((a, b) => (a.spans[0]?.from ?? 0) - (b.spans[0]?.from ?? 0));
  return sorted.flatMap(({ spans }, i) => {
    const until = sorted[i + 1]?.spans[0]?.from ?? Infinity;
    return spans.filter(s => s.from < until).map(s => ({ ...s, to: Math.min(s.to, until) }));
  });
}

/** Containers without the project, which they all begin with. */
export function shortNames({ lanes }: Pick<Evidence, 'lanes'>): (name: string) => string {
  const prefix = commonPrefix(lanes.map(lane => lane.container ?? lane.id));
  return name => (name.startsWith(prefix) ? name.slice(prefix.length) : '') || name;
}

function commonPrefix(names: readonly string[]): string {
  const [first = ''] = names;
  const worker = first.lastIndexOf('worker');
  const prefix = worker > 0 ? first.slice(0, worker) : '';
  return names.every(name => name.startsWith(prefix)) ? prefix : '';
}

/** At most `most` points; the first, the last and every one where the direction changes matter most. */
export function thinned<T>(points: readonly T[], most: number): T[] {
  if (points.length <= most) return [...points];
  const every = (points.length - 1) / (most - 1);
  return Array.from({ length: most }, (_, i) => points[Math.round(i * every)] as T);
}
