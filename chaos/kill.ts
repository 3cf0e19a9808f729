/** Kills workers' containers and watches until the job is whole again. Says only what it saw. */
import { hasEnded } from '../src/master/status.ts';
import { follow } from '../src/client/follow.ts';
import { findJob } from '../src/client/find-job.ts';
import type { Connection } from '../src/docker/connect.ts';
import { FtcError } from '../src/errors.ts';
import type { JobEvent, JobState, Recovery, Status } from '../src/master/status.ts';
import { now } from '../src/shared/clock.ts';
import { candidates } from './candidates.ts';
import { type Candidate, select, type Wish } from './select.ts';

export interface KillOptions extends Wish {
  readonly signal: string;
  /** How long to watch, milliseconds. */
  readonly watchMs: number;
}

interface Victim {
  /** The worker's id. */
  readonly id: string;
  readonly container: string;
  readonly rank: number | null;
  /** Last step that it had committed, as far as the master heard. */
  readonly atStep: number | null;
  /** From the kill to its container running again, by the engine's clock; null while it does not. */
  backMs: number | null;
}

export interface KillReport {
  readonly project: string;
  readonly signal: string;
  readonly seed: number;
  readonly killed: Victim[];
  readonly generationBefore: number;
  generationAfter: number;
  /** What the master measured; null when nothing was lost, for instance because the signal was ignored. */
  recovery: Recovery | null;
  /** From the kill to the survivors' next committed step. Null while there is none. */
  resumedMs: number | null;
  /** From the kill to the first step at full world size. Null while there is none. */
  wholeMs: number | null;
  /** All workers that are wanted train again. */
  whole: boolean;
  state: JobState | null;
}

export interface Watcher {
  killed(report: KillReport): void;
  events(events: readonly JobEvent[]): void;
}

/** @throws FtcError FTC_NOT_RUNNING, FTC_NO_TARGET, FTC_MASTER_UNREACHABLE */
export async function kill(
  connection: Connection,
  project: string,
  o: KillOptions,
  watcher: Watcher,
  abort: AbortSignal,
): Promise<KillReport> {
  const { engine } = connection;
  const job = await findJob(connection, project);
  const [status, seen] = await Promise.all([job.master.status(), job.master.events(0)]);
  refuseEnded(status);
  const targets = select(candidates(job.containers, status), o);
  const at = now();
  await Promise.all(targets.map(t => engine.kill(t.container.id, o.signal)));
  const report: KillReport = {
    project,
    signal: o.signal,
    seed: o.seed,
    killed: targets.map(t => victim(t, status)),
    generationBefore: status.generation,
    generationAfter: status.generation,
    recovery: null,
    resumedMs: null,
    wholeMs: null,
    whole: false,
    state: status.state,
  };
  watcher.killed(report);
  const ids = new Set(report.killed.map(v => v.id));
  const signal = AbortSignal.any([abort, AbortSignal.timeout(o.watchMs)]);
  const after = seen.at(-1)?.seq ?? 0;
  for await (const moment of follow(connection, project, {
    everyMs: 100,
    patienceMs: o.watchMs,
    signal,
    after,
  })) {
    watcher.events(moment.events);
    await Promise.all(
      report.killed.map(async (v, i) => {
        const container = v.backMs === null ? await engine.inspect(targets[i]?.container.id ?? '') : null;
        const started = container?.state === 'running' ? container.startedAt : null;
        if (started !== null && started > (targets[i]?.container.startedAt ?? 0))
          v.backMs = Math.max(0, started - at);
      }),
    );
    if (moment.status && observe(report, moment.status, ids, at)) break;
  }
  return report;
}

/** Takes what the master says; true when there is nothing more to wait for. */
function observe(report: KillReport, status: Status, ids: ReadonlySet<string>, at: number): boolean {
  report.state = status.state;
  report.generationAfter = status.generation;
  report.recovery =
    status.recoveries.findLast(r => r.lost.some(id => ids.has(id)) && r.at > at - 1000) ?? null;
  const since = (ms: number | null | undefined): number | null =>
    ms == null || !report.recovery ? null : Math.round((report.recovery.at + ms - at) * 10) / 10;
  report.resumedMs = since(report.recovery?.resumedMs);
  report.wholeMs = since(report.recovery?.wholeMs);
  const back = report.killed.every(v => v.backMs !== null);
  report.whole = back && report.wholeMs !== null;
  return report.whole || hasEnded(status.state);
}

function victim({ container, rank }: Candidate, status: Status): Victim {
  const row = status.workers.find(w => w.id === container.hostname);
  return { id: container.hostname, container: container.name, rank, atStep: row?.step ?? null, backMs: null };
}

function refuseEnded(status: Status): void {
  if (!hasEnded(status.state)) return;
  throw new FtcError(
    'FTC_NOT_RUNNING',
    `the job "${status.job}" has ${status.state}: there is nothing to break`,
    {
      hint: 'Start it again with "ftc up".',
    },
  );
}
