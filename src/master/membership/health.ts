/** Who has shown to be sound: the supervisor starts such a worker again at once, and one that fails early ever later. */
import type { Effect } from './events.ts';
import type { Membership } from './state.ts';

/** How long a worker must have been ready, milliseconds. */
const PROVEN_MS = 5000;

/** Workers that have become healthy since it was asked last. */
export function proven(m: Membership, now: number): Effect[] {
  const workers: string[] = [];
  for (const w of m.workers.values()) {
    if (w.healthy || !w.connected || !w.ready || now - w.readyAt < PROVEN_MS) continue;
    w.healthy = true;
    workers.push(w.id);
  }
  return workers.length === 0 ? [] : [{ type: 'healthy', workers }];
}
