/** `ftc scale worker=N`: changes the size of a running job, at a step boundary. */
import { hasEnded } from '../protocol/job-state.ts';
import { refuseOther } from '../client/as-started.ts';
import { findJob } from '../client/find-job.ts';
import { follow } from '../client/follow.ts';
import { passedThrough } from '../client/passed-through.ts';
import { projectOf } from '../client/saved-project.ts';
import { Compose } from '../runtime/docker/compose.ts';
import { connect } from '../runtime/docker/connect.ts';
import { refuseNeighbours } from '../runtime/docker/neighbours.ts';
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
  const connection = await connect();
  const job = await findJob(connection, jobName(options));
  const before = await job.master.status();
  const worker = job.containers.find(c => c.role === 'worker');
  if (!worker || !['running', 'waiting'].includes(before.state)) {
    throw new FtcError(
      'FTC_NOT_RUNNING',
      `the job "${job.project}" is ${before.state}: only a running job is scaled`,
      {
        hint: 'Start it with "ftc up --scale worker=N".',
      },
    );
  }
  const env = await environmentOf(connection.docker.getContainer(worker.id));
  const slices = Number(env['FTC_VIRTUAL_RANKS'] ?? Infinity);
  if (workers > slices) {
    throw new FtcError('FTC_SCALE', `${workers} workers cannot share ${slices} virtual ranks`, {
      hint: `At most ${slices} workers can train in this job; virtualRanks in the job file is fixed when a job begins.`,
    });
  }
  await refuseNeighbours(connection.docker, job.project);
  const started = await projectOf(connection, worker);
  const project = { ...started, variables: { ...started.variables, ...passedThrough(started.yaml, env) } };
  const compose = await Compose.find(connection.host);
  await refuseOther(compose, project, worker, 'worker');
  const stages = createStages();
  const standbys = before.workers.length - before.target;
  await stages.stage(`${workers > before.target ? 'starting' : 'stopping'} containers`, line =>
    compose.up(project, {
      workers: workers + Math.max(0, standbys),
      recreate: false,
      services: ['worker'],
      dependencies: false,
      onLine: line,
    }),
  );
  await stages.stage(
    `waiting until ${workers} ${workers === 1 ? 'worker trains' : 'workers train'}`,
    async () => {
      const signal = AbortSignal.timeout(WAIT_MS);
      for await (const { status } of follow(connection, job.project, {
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

async function environmentOf(container: {
  inspect(): Promise<{ Config: { Env: string[] } }>;
}): Promise<Record<string, string>> {
  const { Config } = await container.inspect();
  return Object.fromEntries(
    Config.Env.map(line => {
      const at = line.indexOf('=');
      return [line.slice(0, at), line.slice(at + 1)] as const;
    }),
  );
}
