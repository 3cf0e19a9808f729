/** `ftc wait`: ends when the job does; its exit code is the job's. */
import { hasEnded } from '../protocol/job-state.ts';
import { findJob } from '../client/find-job.ts';
import { openRuntime } from '../runtime/pick.ts';
import { follow } from '../client/follow.ts';
import { ExitCode } from '../errors.ts';
import type { JobFlags } from '../job/sources.ts';
import { jobFailed } from './job-failed.ts';
import { jobName } from './job-name.ts';
import { outcome } from './view/job.ts';
import { stdout } from './print.ts';

const PATIENCE_MS = 600_000;

export async function run(options: JobFlags & { json?: boolean }): Promise<number> {
  const { job, replicas } = await findJob(await openRuntime(), jobName(options));
  await job.masterUrl(replicas);
  const { signal } = new AbortController();
  for await (const { status } of follow(job, {
    everyMs: 500,
    patienceMs: PATIENCE_MS,
    signal,
  })) {
    if (!status || !hasEnded(status.state)) continue;
    if (options.json) stdout.json(status);
    else stdout.lines(...outcome(status));
    if (status.state === 'stopped') return ExitCode.interrupted;
    if (status.state === 'succeeded') return ExitCode.ok;
    throw jobFailed(status, '"ftc status" shows the traceback, "ftc logs worker" what the workers printed.');
  }
  return ExitCode.interrupted;
}
