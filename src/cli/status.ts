/** `ftc status`: how far the job is, who trains, what was lost and how it recovered. */
import { hasEnded } from '../protocol/job-state.ts';
import { findJob, masterOf } from '../client/find-job.ts';
import { openRuntime } from '../runtime/pick.ts';
import { whatIsWrong, whatToDo } from '../api/volume.ts';
import type { JobFlags } from '../job/sources.ts';
import { jobName } from './job-name.ts';
import { checkpointLines } from './view/checkpoint-status.ts';
import { lastMetricsLine } from './view/metrics.ts';
import { headline, outcome, recoveryTable, workerTable } from './view/job.ts';
import { checkLines } from './view/replicas.ts';
import { missingParts } from './view/missing-parts.ts';
import { s3Line } from './view/s3.ts';
import { paint, stderr, stdout } from './print.ts';
import { tracebackLines } from './view/traceback.ts';

export async function run(options: JobFlags & { json?: boolean }): Promise<undefined> {
  const { job, replicas } = await findJob(await openRuntime(), jobName(options));
  const status = await (await masterOf(job, replicas)).status();
  const missing = hasEnded(status.state) ? [] : missingParts(replicas, status.target);
  if (options.json) {
    for (const line of missing) stderr.lines(line);
    stdout.json(status, 2);
    return;
  }
  const copies = s3Line(status.s3, Date.now());
  const head = [...headline(status), ...missing, ...checkLines(status), ...(copies === null ? [] : [copies])];
  const lines = hasEnded(status.state) ? outcome(status) : [...head, '', ...workerTable(status)];
  if (lines.length > 0 && status.recoveries.length > 0 && status.state === 'running') {
    lines.push('', ...recoveryTable({ ...status, recoveries: status.recoveries.slice(-10) }));
  }
  if (status.state === 'failed' && status.reason !== null)
    lines.push('', paint('red', status.reason, process.stdout));
  const metrics = lastMetricsLine(status.lastMetrics);
  if (metrics !== null) lines.push('', metrics);
  const saved = checkpointLines(status.checkpoint, Date.now());
  if (saved.length > 0) lines.push('', ...saved);
  if (status.volume !== null) lines.push('', `${whatIsWrong(status.volume)}.`, whatToDo(status.volume));
  if (status.traceback) lines.push('', ...tracebackLines(status.traceback));
  stdout.lines(...lines);
}
