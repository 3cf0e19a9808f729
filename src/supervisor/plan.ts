/** From what the engine lists to what should be started, and what the master should know. Pure. */
import type { Replica } from '../runtime/replica.ts';
import type { ContainerFact } from '../protocol/inbound.ts';
import type { RestartPolicy, RestartRecord } from './restarts.ts';
import { afterExit, fresh, seenRunning } from './restarts.ts';

export type Records = ReadonlyMap<string, RestartRecord>;

export interface Plan {
  readonly records: Records;
  /** Ids of containers to start now. */
  readonly start: readonly string[];
  /** When to plan again, milliseconds since the epoch; null when nothing is due. */
  readonly nextAt: number | null;
  readonly facts: readonly ContainerFact[];
}

/** How long a container that was created and not started is left to whoever created it. Milliseconds. */
const CREATED_MS = 10_000;

/**
 * `mayStart` says which roles are started again: the master always, workers only while the job is known to go on.
 * Records of containers that are gone are dropped.
 */
export function plan(
  policy: RestartPolicy,
  before: Records,
  containers: readonly Replica[],
  mayStart: (container: Replica) => boolean,
  now: number,
): Plan {
  const records = new Map<string, RestartRecord>();
  const start: string[] = [];
  let nextAt: number | null = null;
  for (const container of containers) {
    if (container.role === 'supervisor') continue;
    const record = next(policy, before.get(container.id) ?? fresh, container, now);
    records.set(container.id, record);
    if (record.dueAt === null || !mayStart(container)) continue;
    if (record.dueAt <= now) start.push(container.id);
    else nextAt = Math.min(nextAt ?? Infinity, record.dueAt);
  }
  const facts = containers
    .filter(c => c.role === 'worker')
    .map(c => fact(c, records.get(c.id) ?? fresh, mayStart(c)));
  return { records, start, nextAt, facts };
}

function next(policy: RestartPolicy, record: RestartRecord, c: Replica, now: number): RestartRecord {
  switch (c.state) {
    case 'running':
    case 'paused':
    case 'restarting':
      return seenRunning(record);
    case 'removing':
      return { ...record, dueAt: null };
    case 'created':
      return record.dueAt === null ? { ...record, dueAt: now + CREATED_MS } : record;
    case 'exited':
    case 'dead': {
      const endedAt = c.finishedAt ?? now;
      const exit = { startedAt: c.startedAt, endedAt, exitCode: c.exitCode ?? 137, oomKilled: c.oomKilled };
      return afterExit(policy, record, exit);
    }
  }
}

function fact(c: Replica, record: RestartRecord, mayStart: boolean): ContainerFact {
  return {
    id: c.hostname,
    container: c.name,
    running: c.state === 'running' || c.state === 'paused',
    paused: c.state === 'paused',
    exitCode: c.exitCode,
    oomKilled: c.oomKilled,
    startedAt: c.startedAt,
    restarts: record.restarts,
    startsAt: mayStart ? record.dueAt : null,
    gaveUp: record.gaveUp,
  };
}
