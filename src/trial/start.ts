/** Makes a run of a job that is tried out: its project, under a name that is free, and its containers. */
import { toYaml, type ComposeFile } from '../../compose/render.ts';
import { launch, type Stages } from '../client/launch.ts';
import { saveProject } from '../client/saved-project.ts';
import type { Compose, ComposeProject } from '../runtime/docker/compose.ts';
import type { Connection } from '../runtime/docker/connect.ts';
import { FtcError } from '../errors.ts';
import { checkHost } from '../job/host.ts';
import type { LoadedJob } from '../job/load.ts';
import { findLeftovers, isTaken, removeRun, type Whose } from './leftovers.ts';
import { labelled, ownLabels, runJob, runName, type Purpose } from './project.ts';

/** Renders a job for the engine that was found. */
export type RenderJob = (
  loaded: LoadedJob,
) => Promise<ComposeProject & { readonly rendered: { readonly file: ComposeFile } }>;

export interface RunMaker {
  readonly connection: Connection;
  readonly compose: Compose;
  readonly render: RenderJob;
  readonly stages: Stages;
  readonly signal: AbortSignal;
}

/**
 * Removes what earlier runs left: they were killed, or told to keep it.
 * @param what such as `a verification`
 * @throws FtcError FTC_ALREADY_RUNNING where one is running now
 */
export async function clearRuns(
  { connection: { docker }, stages }: Pick<RunMaker, 'connection' | 'stages'>,
  whose: Whose & { readonly job: string },
  what: string,
): Promise<void> {
  const { projects, alive } = await findLeftovers(docker, whose);
  if (alive.length > 0) {
    throw new FtcError(
      'FTC_ALREADY_RUNNING',
      `${what} of "${whose.job}" is running (process ${alive.join(', ')})`,
      { hint: 'Wait for its end, or start another beside it under another name with --name.' },
    );
  }
  if (projects.length === 0) return;
  await stages.stage(`removing what ${what} left: ${projects.join(', ')}`, async () => {
    for (const project of projects) await removeRun(docker, whose, project);
  });
}

/** The project of one run, under a name that nothing on the engine has. */
export async function prepareRun(
  { connection: { docker }, render }: Pick<RunMaker, 'connection' | 'render'>,
  purpose: Purpose,
  loaded: LoadedJob,
  { workers, standbys, first }: { workers: number; standbys: number; first: number },
): Promise<ComposeProject> {
  const { name } = loaded.job;
  let n = first;
  while (await isTaken(docker, runName(purpose, name, n))) n += 1;
  const job = runJob(loaded.job, runName(purpose, name, n), workers, standbys);
  const { rendered, ...project } = await render({ ...loaded, job, user: checkHost(job, process.cwd()) });
  return { ...project, yaml: toYaml(labelled(rendered.file, ownLabels(purpose, name))) };
}

/** @param build what the first run of several does; the others run the same images */
export async function startRun(o: RunMaker, project: ComposeProject, build: boolean): Promise<void> {
  if (build) return launch(o.connection, o.compose, project, o.stages, o.signal);
  saveProject(project);
  await o.compose.up(project, { signal: o.signal });
}
