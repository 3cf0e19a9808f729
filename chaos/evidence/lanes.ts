/** What each worker was doing, from one look at the job after the other. Pure. */
import type { WorkerRow } from '../../src/api/status.ts';
import type { Doing, Lane } from './evidence.ts';

/** A rank that waits in the reduction for longer than this waits for somebody: less is how a step goes. Milliseconds. */
const WAITS_MS = 250;

export function doingOf({ state, role, phase, phaseMs }: WorkerRow): Doing {
  if (state === 'down' || state === 'gone' || state === 'left') return 'dead';
  if (state === 'finishing' || state === 'done') return 'done';
  if (role === 'standby') return 'standby';
  if (state === 'starting' || state === 'connected') return 'starting';
  if (phase === 'regroup' || phase === 'sync') return 'regrouping';
  if (phase === 'idle' || phase === 'starting') return 'waiting';
  if (phase === 'reduce' && (phaseMs ?? 0) > WAITS_MS) return 'waiting';
  return 'computing';
}

/** Takes in who did what at `at`; who is not among `rows` any more was removed. Without rows the master did not answer. */
export function extend(lanes: Map<string, Lane>, at: number, rows: readonly WorkerRow[] | null): void {
  const here = new Map(rows?.map(row => [row.id, row]));
  for (const { id, container } of here.values()) {
    const lane = lanes.get(id);
    if (!lane) lanes.set(id, { id, container, spans: [] });
    else if (container !== null) lane.container = container;
  }
  for (const lane of lanes.values()) {
    const row = here.get(lane.id);
    const doing = rows === null ? 'unknown' : row ? doingOf(row) : 'dead';
    const last = lane.spans.at(-1);
    if (last) last.to = at;
    if (last?.doing !== doing) lane.spans.push({ from: at, to: at, doing });
  }
}
