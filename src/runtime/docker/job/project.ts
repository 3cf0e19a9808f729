/** What commands that act on a job need: the job, rendered for the engine that was found. */
import { hookFileVariable } from '../../../../compose/hooks.ts';
import { render, type Rendered, toYaml } from '../../../../compose/render.ts';
import { storeName } from '../../../../compose/store.ts';
import { hookFilePath } from '../../../client/hook-file.ts';
import type { PrepareOptions } from '../../runtime.ts';
import { labelled } from './labelled.ts';
import { ownFolder } from '../../../disk/own-folder.ts';
import { baseImage } from '../base-image.ts';
import type { ComposeProject } from '../compose.ts';
import type { Connection } from '../connect.ts';
import { FtcError } from '../../../errors.ts';
import { missingVariables } from '../../../job/environment.ts';
import type { Job } from '../../../job/job.ts';
import { dotEnvFor } from '../../../job/dot-env.ts';
import { nothingHidden, withNotes } from '../../../job/hidden.ts';
import type { LoadedJob } from '../../../job/load.ts';

/** The project as it is started: with the labels on all that it makes, and the URLs of its hooks. @throws as {@link composeProject} does */
export async function preparedProject(
  loaded: LoadedJob,
  connection: Connection,
  { labels, hookUrls }: PrepareOptions,
): Promise<ComposeProject & { readonly rendered: Rendered }> {
  const project = await composeProject(loaded, connection);
  const yaml = labels === undefined ? project.yaml : toYaml(labelled(project.rendered.file, labels));
  return { ...withHookUrls(project, hookUrls), yaml };
}

/** The URLs are kept when the project is started. */
function withHookUrls<Project extends ComposeProject>(
  project: Project,
  text: string | null | undefined,
): Project {
  if (text === undefined) return project;
  if (text === null) return { ...project, hookUrls: null };
  const file = hookFilePath(project.directory, project.name);
  return { ...project, variables: { ...project.variables, [hookFileVariable]: file }, hookUrls: text };
}

/** @throws FtcError FTC_USAGE where the job passes on a variable that `env` has not, FTC_NOT_TRUSTED where `.ftc` is not the user's own */
async function composeProject(
  loaded: LoadedJob,
  connection: Connection,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<ComposeProject & { readonly rendered: Rendered }> {
  refuseMissing(loaded.job, env);
  // What is rendered is kept there: before anything is built, it must be clear that it can be.
  ownFolder(loaded.projectDir).exists();
  const { job, projectDir, hidden = nothingHidden } = loaded;
  const rendered = render({ ...loaded, hidden: withNotes(hidden, job, projectDir) });
  // Who asks for the store gets it.
  const store = rendered.file.services.s3 !== undefined;
  return {
    name: loaded.job.name,
    directory: loaded.projectDir,
    yaml: rendered.yaml,
    variables: {
      ...dotEnvFor(loaded.projectDir, rendered.yaml, env),
      FTC_PORT: String(loaded.job.port),
      FTC_DOCKER_SOCKET: connection.socket,
      FTC_BASE_IMAGE: await baseImage(connection.docker, loaded.projectDir, env),
      ...(store && { COMPOSE_PROFILES: storeName }),
    },
    ...(store && { images: ['master', 'worker', storeName] }),
    rendered,
  };
}

function refuseMissing({ environment }: Job, env: Readonly<Record<string, string | undefined>>): void {
  const missing = missingVariables(environment, env);
  if (missing.length === 0) return;
  const [first = ''] = missing;
  throw new FtcError(
    'FTC_USAGE',
    `${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'} not set in this shell, and the job passes ${missing.length === 1 ? 'it' : 'them'} on to its script`,
    {
      hint: `Set it ("export ${first}=…"), give a value ("--env ${first}=…"), or take the name out of environment.`,
    },
  );
}
