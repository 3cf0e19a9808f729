/** `ftc ps`: the job's containers and the role that each has now. Works also while the master is down. */
import { httpPort } from '../shared/names.ts';
import { findJob, type FoundJob, masterOf } from '../client/find-job.ts';
import type { Replica } from '../runtime/replica.ts';
import { openRuntime } from '../runtime/pick.ts';
import { FtcError } from '../errors.ts';
import type { JobFlags } from '../job/sources.ts';
import type { Status, WorkerRow } from '../api/status.ts';
import { jobName } from './job-name.ts';
import { table } from './view/format.ts';
import { doing } from './view/job.ts';
import { duration } from '../shared/duration.ts';
import { stdout } from './print.ts';

export async function run(options: JobFlags & { json?: boolean }): Promise<undefined> {
  const found = await findJob(await openRuntime(), jobName(options));
  const status = await statusOf(found);
  const rows = found.replicas.map(c =>
    describe(
      c,
      status?.workers.find(w => w.id === c.hostname),
    ),
  );
  if (options.json) {
    stdout.json(rows, 2);
    return;
  }
  const lines = table(
    ['CONTAINER', 'ROLE', 'STATE', 'FOR', 'RESTARTS', 'PORT'],
    rows.map(r => [
      r.container,
      r.rank === null ? r.role : `rank ${r.rank}`,
      r.exitCode === null ? (r.doing ?? r.state) : `${r.state} (${r.exitCode})`,
      r.since === null ? '-' : duration(Date.now() - r.since),
      r.restarts === null ? '-' : String(r.restarts),
      r.port === null ? '-' : `127.0.0.1:${r.port}`,
    ]),
    [4],
  );
  stdout.lines(...lines);
}

async function statusOf({ job, replicas }: FoundJob): Promise<Status | null> {
  try {
    return await (await masterOf(job, replicas)).status();
  } catch (error) {
    if (error instanceof FtcError) return null;
    throw error;
  }
}

function describe(c: Replica, row: WorkerRow | undefined) {
  return {
    container: c.name,
    id: c.hostname,
    role: c.role === 'worker' ? (row?.role === 'standby' ? 'standby' : 'worker') : c.role,
    rank: row?.rank ?? null,
    state: c.state,
    exitCode: c.state === 'running' ? null : c.exitCode,
    phase: row?.phase ?? null,
    slow: row?.slow ?? null,
    stuckMs: row?.stuckMs ?? null,
    /** Of a worker that runs, for people. */
    doing: c.state === 'running' && row !== undefined ? [...new Set([c.state, doing(row)])].join(', ') : null,
    /** Milliseconds since the epoch. */
    since: c.state === 'running' || c.state === 'paused' ? c.startedAt : c.finishedAt,
    restarts: row?.restarts ?? null,
    port: c.ports[httpPort] ?? null,
  };
}
