/** From a rendered project to running containers. */
import { hasEnded } from '../../../protocol/job-state.ts';
import type { Compose, ComposeProject } from '../compose.ts';
import type { Connection } from '../connect.ts';
import { lacksBaseImage, makeBaseImage } from '../make-base-image.ts';
import { refuseNeighbours } from '../neighbours.ts';
import { removeJob } from '../own.ts';
import { FtcError } from '../../../errors.ts';
import type { Status } from '../../../api/status.ts';
import { buildWithPip } from './build-with-pip.ts';
import type { Claim } from './claim.ts';
import { MasterClient } from '../../../client/master-client.ts';
import { masterUrlOf } from '../../absent.ts';
import type { Stages } from '../../job.ts';
import { saveProject } from './saved-project.ts';

/**
 * Removes what is left of a run that has ended, builds, starts. Checkpoints are never touched.
 * @throws FtcError FTC_NOT_OURS, FTC_ALREADY_RUNNING, FTC_NO_BASE_IMAGE, FTC_COMPOSE_FAILED, FTC_PORT_IN_USE
 */
export async function launch(
  connection: Connection,
  compose: Compose,
  wanted: ComposeProject,
  stages: Stages,
  signal: AbortSignal,
  claim: Claim | null = null,
): Promise<void> {
  const { docker } = connection;
  await refuseNeighbours(docker, wanted.name);
  const left = await refuseRunning(connection, wanted.name);
  const project = await buildImages(connection, compose, wanted, stages, signal);
  if (left) {
    await stages.stage('removing the containers of the run before (checkpoints stay)', line =>
      removeJob(docker, project.name, { onLine: line, signal }),
    );
  }
  await stages.stage('starting the containers', async line => {
    saveProject(project);
    const release = await claim?.take();
    try {
      await compose.up(project, { onLine: line, signal });
    } catch (error) {
      // Half a job is worse than none, and the next try must find the way free.
      await removeJob(docker, project.name).catch(() => undefined);
      await release?.();
      throw error;
    }
  });
}

/**
 * What has not changed comes from the engine's cache.
 * @returns the project with the base image that it was built on
 * @throws FtcError FTC_NO_BASE_IMAGE, FTC_COMPOSE_FAILED
 */
export async function buildImages(
  connection: Connection,
  compose: Compose,
  wanted: ComposeProject,
  stages: Stages,
  signal: AbortSignal,
): Promise<ComposeProject> {
  const project = await withBaseImage(connection, wanted, stages);
  signal.throwIfAborted();
  await stages.stage('building the images (the first time takes a minute or two)', line =>
    buildWithPip(project, its => compose.build(its, { onLine: line, signal })),
  );
  return project;
}

/** The project with a base image that the engine has, where ftc answers for it. */
async function withBaseImage(
  connection: Connection,
  project: ComposeProject,
  stages: Stages,
): Promise<ComposeProject> {
  let image = project.variables.FTC_BASE_IMAGE;
  if (!(await lacksBaseImage(connection, image))) return project;
  await stages.stage("getting the base image (pulled, or made from Debian's archive)", async line => {
    image = await makeBaseImage(connection, image, line);
  });
  return { ...project, variables: { ...project.variables, FTC_BASE_IMAGE: image } };
}

/** True when containers of an ended run are there. @throws FtcError FTC_ALREADY_RUNNING */
async function refuseRunning({ engine }: Connection, name: string): Promise<boolean> {
  const containers = await engine.list(name);
  const running = containers.filter(c => ['running', 'paused', 'restarting'].includes(c.state));
  if (running.length === 0) return containers.length > 0;
  let status: Status | null = null;
  try {
    status = await new MasterClient(masterUrlOf(containers)).status();
  } catch (error) {
    if (!(error instanceof FtcError)) throw error;
  }
  if (status ? hasEnded(status.state) : !running.some(c => c.role === 'worker')) return true;
  const where = status?.step != null ? ` at step ${status.step} of ${status.totalSteps ?? '?'}` : '';
  throw new FtcError(
    'FTC_ALREADY_RUNNING',
    `the job "${name}" is already ${status?.state ?? 'running'}${where}`,
    {
      hint: '"ftc watch" shows it, "ftc scale" changes its size, "ftc down" ends it; --name and --port start another beside it.',
    },
  );
}
