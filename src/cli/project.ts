/** What commands that act on a job need: the job, rendered for the engine that was found. */
import { render, type Rendered } from '../../compose/render.ts';
import { storeName } from '../../compose/store.ts';
import { ownFolder } from '../disk/own-folder.ts';
import { baseImage } from '../runtime/docker/base-image.ts';
import type { ComposeProject } from '../runtime/docker/compose.ts';
import type { Connection } from '../runtime/docker/connect.ts';
import { FtcError } from '../errors.ts';
import { missingVariables } from '../job/environment.ts';
import type { Job } from '../job/job.ts';
import { dotEnvFor } from '../job/dot-env.ts';
import { nothingHidden, withNotes } from '../job/hidden.ts';
import type { LoadedJob } from '../job/load.ts';

/** @throws FtcError FTC_USAGE where the job passes on a variable that `env` has not, FTC_NOT_TRUSTED where `.ftc` is not the user's own */
export async function composeProject(
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
