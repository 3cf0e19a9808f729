/** A worker as its hello shows it. */
import type { WorkerHello } from '../../protocol/inbound.ts';
import type { Checks } from './replica-counts.ts';
import type { Worker } from './state.ts';
import { noSpeed } from './stragglers.ts';

/**
 * `before` is what was known of the same process, over a link that it has lost since; null for a new one, which begins with
 * `checks`.
 */
export function greeted(h: WorkerHello, before: Worker | null, checks: Checks, now: number): Worker {
  return {
    id: h.id,
    incarnation: h.incarnation,
    connected: true,
    ready: h.ready,
    host: h.host,
    storePort: h.storePort,
    step: h.step,
    holdsState: h.holdsState,
    phase: before?.phase ?? 'starting',
    since: before?.since ?? now,
    generation: h.generation,
    speed: before?.speed ?? noSpeed(),
    checks: before?.checks ?? checks,
    standby: before?.standby ?? false,
    lastSeen: now,
    readyAt: now,
    healthy: before?.healthy ?? false,
    leaving: before?.leaving ?? false,
    finishing: before?.finishing ?? false,
    done: before?.done ?? false,
    script: before?.script ?? null,
    failed: false,
    lostBy: null,
    fencedAt: null,
    fenceToldAt: 0,
  };
}
