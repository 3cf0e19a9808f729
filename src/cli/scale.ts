/** `ftc scale worker=N`: changes the size of a running job, at a step boundary. */
import { hasEnded } from '../protocol/job-state.ts';
import { findJob, masterOf } from '../client/find-job.ts';
import { follow } from '../client/follow.ts';
import { openRuntime } from '../runtime/pick.ts';
import { FtcError } from '../errors.ts';
import { parseScale } from '../job/scale.ts';
import type { JobFlags } from '../job/sources.ts';
import { jobName } from './job-name.ts';
import { createStages } from './view/stages.ts';
import { stdout } from './print.ts';

const WAIT_MS = 180_000;

export async function run(
  options: JobFlags & { json?: boolean },
  services: readonly string[],
): Promise<undefined> {
  const workers = parseScale(services);
  if (workers === null)
    throw new FtcError('FTC_SCALE', 'how many workers?', { hint: 'For example: ftc scale worker=5' });
  const { job, replicas } = await findJob(await openRuntime(), jobName(options));
  const before = await (await masterOf(job, replicas)).status();
  const worker = replicas.find(r => r.role === 'worker');
  if (!worker || !['running', 'waiting'].includes(before.state)) {
    throw new FtcError(
      'FTC_NOT_RUNNING',
      `the job "${job.name}" is ${before.state}: only a running job is scaled`,
      {
        hint: 'Start it with "ftc up --scale worker=N".',
      },
    );
  }
  const env = await job.environment(worker.id);
  const slices = Number(env['FTC_VIRTUAL_RANKS'] ?? Infinity);
  if (workers > slices) {
    throw new FtcError('FTC_SCALE', `${workers} workers cannot share ${slices} virtual ranks`, {
      hint: `At most ${slices} workers can train in this job; virtualRanks in the job file is fixed when a job begins.`,
    });
  }
  const scaling = await job.scaling();
  const stages = createStages();
  const standbys = before.workers.length - before.target;
  await stages.stage(`${workers > before.target ? 'starting' : 'stopping'} containers`, line =>
    scaling.to(workers + Math.max(0, standbys), { onLine: line }),
  );
  await stages.stage(
    `waiting until ${workers} ${workers === 1 ? 'worker trains' : 'workers train'}`,
    async () => {
      const signal = AbortSignal.timeout(WAIT_MS);
      for await (const { status } of follow(job, {
        everyMs: 200,
        patienceMs: WAIT_MS,
        signal,
      })) {
        if (!status) continue;
        const settled = status.target === workers && status.worldSize === workers;
        if (!settled && !hasEnded(status.state)) continue;
        if (options.json) stdout.json(status);
        return;
      }
      throw new FtcError('FTC_NOT_RUNNING', `the job has not reached ${workers} workers`, {
        hint: '"ftc status" shows what is waited for.',
      });
    },
  );
}
