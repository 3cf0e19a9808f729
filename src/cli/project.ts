/** What commands that act on a job need: the job, rendered for the engine that was found. */
import { render, type Rendered } from '../../compose/render.ts';
import { storeName } from '../../compose/store.ts';
import { baseImage } from '../docker/base-image.ts';
import type { ComposeProject } from '../docker/compose.ts';
import type { Connection } from '../docker/connect.ts';
import { dotEnvFor } from '../job/dot-env.ts';
import type { LoadedJob } from '../job/load.ts';

export async function composeProject(
  loaded: LoadedJob,
  connection: Connection,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<ComposeProject & { readonly rendered: Rendered }> {
  const rendered = render(loaded);
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
