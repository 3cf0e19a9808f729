/**
 * When a container is started again. Pure: at once where it was healthy, for then something from outside took it; otherwise
 * by exponential backoff that begins anew after a while of running, with a limit of starts in a row, and patience with a container that somebody stopped on purpose.
 */

/** Times in milliseconds. */
export interface RestartPolicy {
  readonly initialMs: number;
  readonly maxMs: number;
  /** A container that ran this long was healthy: the backoff begins anew. */
  readonly resetMs: number;
  /** Starts in a row, without health between, before it is given up. */
  readonly maxRestarts: number;
  /** How long one that left with exit code 0 stays down: scaling down and `docker compose stop` remove it in that time. */
  readonly leftMs: number;
}

export interface RestartRecord {
  /** Starts since it was last healthy. */
  readonly inARow: number;
  /** Starts by the supervisor, ever. */
  readonly restarts: number;
  /** The run that ended and that `dueAt` answers to; null while it runs. */
  readonly endedAt: number | null;
  /** When to start it; null when it runs, or is given up. */
  readonly dueAt: number | null;
  readonly gaveUp: string | null;
  /** The master says that this run has been ready for a while. */
  readonly healthy: boolean;
}

export const fresh: RestartRecord = {
  inARow: 0,
  restarts: 0,
  endedAt: null,
  dueAt: null,
  gaveUp: null,
  healthy: false,
};

/** How a run of a container ended. Times in milliseconds since the epoch. */
export interface Exit {
  readonly startedAt: number | null;
  readonly endedAt: number;
  readonly exitCode: number;
  readonly oomKilled: boolean;
}

/** Exit code of a worker that the master refuses: starting it again cannot help. docs/protocol.md. */
const REFUSED = 2;

/** What follows from an exit. The same exit seen twice changes nothing. */
export function afterExit(policy: RestartPolicy, record: RestartRecord, exit: Exit): RestartRecord {
  if (record.gaveUp !== null || record.endedAt === exit.endedAt) return record;
  const base = { ...record, endedAt: exit.endedAt, dueAt: null, healthy: false };
  if (exit.exitCode === REFUSED) return { ...base, gaveUp: 'the master refused it (exit code 2)' };
  const ranMs = exit.startedAt === null ? 0 : exit.endedAt - exit.startedAt;
  const inARow = record.healthy || ranMs >= policy.resetMs ? 0 : record.inARow;
  if (inARow >= policy.maxRestarts) {
    const how = exit.oomKilled ? 'out of memory' : `exit code ${exit.exitCode}`;
    return { ...base, inARow, gaveUp: `started ${inARow} times in a row without staying up (${how})` };
  }
  const wait = exit.exitCode === 0 ? policy.leftMs : record.healthy ? 0 : backoffMs(policy, inARow);
  return { ...base, inARow, dueAt: exit.endedAt + wait };
}

/** 0.5 s, 1 s, 2 s, … up to the most. */
export function backoffMs(policy: RestartPolicy, inARow: number): number {
  return Math.min(policy.maxMs, policy.initialMs * 2 ** Math.min(inARow, 30));
}

/** The supervisor started it. */
export function afterStart(record: RestartRecord): RestartRecord {
  return { ...record, inARow: record.inARow + 1, restarts: record.restarts + 1, endedAt: null, dueAt: null };
}

/** It runs, whoever started it. */
export function seenRunning(record: RestartRecord): RestartRecord {
  return record.endedAt === null && record.dueAt === null
    ? record
    : { ...record, endedAt: null, dueAt: null };
}
