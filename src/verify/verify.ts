/** The runs of a verification, one after the other: undisturbed once, then under faults with each number of workers. */
import type { Planned } from '../../chaos/plan.ts';
import type { Stages } from '../runtime/job.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { FtcError } from '../errors.ts';
import type { LoadedJob } from '../job/load.ts';
import type { Status } from '../api/status.ts';
import type { Applied } from './applied.ts';
import { defaultPlan } from './default-plan.ts';
import { verification } from '../trial/project.ts';
import { clearRuns, prepareRun, startRun } from '../trial/start.ts';
import { followRun, type RunRecord } from './run.ts';
import { runReport, verdict, type RunShape, type VerifyReport } from './verdict.ts';

export interface VerifyOptions {
  readonly runtime: Runtime;
  readonly loaded: LoadedJob;
  /** Of the runs under faults; the undisturbed one has the first. */
  readonly workers: readonly number[];
  /** Null: what {@link defaultPlan} makes of the undisturbed run. */
  readonly plan: readonly Planned[] | null;
  readonly seed: number;
  /** Leaves the projects there. */
  readonly keep: boolean;
  readonly signal: AbortSignal;
  readonly stages: Stages;
  readonly watcher: VerifyWatcher;
}

export interface VerifyWatcher {
  begin(index: number): void;
  look(status: Status | null, faults: readonly Applied[]): void;
  end(record: RunRecord): void;
}

/** A run under faults stands still when it makes no step for the longest of these. */
const STALL_MS = 180_000;
const STALL_STEPS = 50;
const STALL_BEATS = 5;

/** What the runs will be; the names of their projects are found when they start. */
export function shapes(workers: readonly number[], standbys: number): Omit<RunShape, 'project'>[] {
  const disturbed = workers.map(n => ({ workers: n, standbys: Math.max(1, standbys), disturbed: true }));
  return [{ workers: workers[0] ?? 1, standbys: 0, disturbed: false }, ...disturbed];
}

/** @throws FtcError FTC_ALREADY_RUNNING, FTC_JOB_FAILED, and what starting a job can throw; AbortError */
export async function verify(o: VerifyOptions): Promise<VerifyReport> {
  const { job } = o.loaded;
  const whose = { purpose: verification, job: job.name };
  await clearRuns(o, whose, 'a verification');
  const reports = [];
  let plan = o.plan;
  let stallMs = STALL_MS;
  for (const [index, shape] of shapes(o.workers, job.standbys).entries()) {
    const prepared = await prepareRun(o, verification, o.loaded, { ...shape, first: index + 1 });
    try {
      const running = await startRun(o, prepared, index === 0);
      o.watcher.begin(index);
      const record = await followRun({
        ...o,
        job: running,
        standbys: shape.standbys,
        plan: shape.disturbed ? (plan ?? []) : [],
        stallMs: shape.disturbed ? stallMs : null,
        onLook: (status, faults) => o.watcher.look(status, faults),
      });
      o.watcher.end(record);
      refuseFailed(record.status, shape);
      const { heartbeat: heartbeatMs } = job.recovery;
      const { totalSteps } = record.status;
      const { trainingMs } = record;
      plan ??= defaultPlan({ totalSteps: totalSteps ?? 1, trainingMs, heartbeatMs }, o.seed);
      stallMs = Math.max(stallMs, STALL_STEPS * (trainingMs / (totalSteps ?? 1)), STALL_BEATS * heartbeatMs);
      reports.push(runReport({ ...shape, project: prepared.name }, record));
    } finally {
      if (!o.keep) await o.runtime.removeRun(whose, prepared.name);
    }
  }
  return verdict(job.name, o.seed, reports);
}

function refuseFailed(status: Status, { workers, disturbed }: Omit<RunShape, 'project'>): void {
  if (status.state === 'succeeded') return;
  const which = disturbed ? `the run with ${workers} workers under faults` : 'the baseline';
  const reason =
    status.state === 'failed' ? (status.reason ?? 'no reason is known') : `it has ${status.state}`;
  throw new FtcError('FTC_JOB_FAILED', `${which} failed: ${reason}${traceback(status)}`, {
    hint: disturbed
      ? 'The baseline succeeded. With --keep its containers stay for a look at their logs.'
      : 'Nothing was broken in it yet: "ftc up" shows the same.',
  });
}

const traceback = ({ traceback: text }: Status): string => (text ? `\n${text.trimEnd()}` : '');
