/** Makes a run of a job that is tried out: under a name that is free, with labels that say whose it is. */
import { FtcError } from '../errors.ts';
import { checkHost } from '../job/host.ts';
import type { LoadedJob } from '../job/load.ts';
import type { RunningJob, Stages } from '../runtime/job.ts';
import type { PreparedJob, Purpose, Runtime, Whose } from '../runtime/runtime.ts';
import { ownLabels, runJob, runName } from './project.ts';

export interface RunMaker {
  readonly runtime: Runtime;
  readonly stages: Stages;
  readonly signal: AbortSignal;
}

/**
 * Removes what earlier runs left: they were killed, or told to keep it.
 * @param what such as `a verification`
 * @throws FtcError FTC_ALREADY_RUNNING where one is running now
 */
export async function clearRuns(
  { runtime, stages }: Pick<RunMaker, 'runtime' | 'stages'>,
  whose: Whose & { readonly job: string },
  what: string,
): Promise<void> {
  const { projects, alive } = await runtime.findLeftovers(whose);
  if (alive.length > 0) {
    throw new FtcError(
      'FTC_ALREADY_RUNNING',
      `${what} of "${whose.job}" is running (process ${alive.join(', ')})`,
      { hint: 'Wait for its end, or start another beside it under another name with --name.' },
    );
  }
  if (projects.length === 0) return;
  await stages.stage(`removing what ${what} left: ${projects.join(', ')}`, async () => {
    for (const project of projects) await runtime.removeRun(whose, project);
  });
}

/** One run, under a name that nothing on the runtime has. */
export async function prepareRun(
  { runtime }: Pick<RunMaker, 'runtime'>,
  purpose: Purpose,
  loaded: LoadedJob,
  { workers, standbys, first }: { workers: number; standbys: number; first: number },
): Promise<PreparedJob> {
  const { name } = loaded.job;
  let n = first;
  while (await runtime.isTaken(runName(purpose, name, n))) n += 1;
  const job = runJob(loaded.job, runName(purpose, name, n), workers, standbys);
  const labels = ownLabels(purpose, name);
  return runtime.prepare({ ...loaded, job, user: checkHost(job, process.cwd()) }, { labels });
}

/** @param build what the first run of several does; the others run the same images */
export const startRun = (
  { stages, signal }: Pick<RunMaker, 'stages' | 'signal'>,
  prepared: PreparedJob,
  build: boolean,
): Promise<RunningJob> => prepared.launch({ stages, signal, claim: null, build });
