/** What commands that act on a job need: the job, rendered for the engine that was found. */
import { render, type Rendered } from '../../compose/render.ts';
import { storeName } from '../../compose/store.ts';
import { baseImage } from '../docker/base-image.ts';
import type { ComposeProject } from '../docker/compose.ts';
import type { Connection } from '../docker/connect.ts';
import { nothingHidden, withNotes } from '../job/hidden.ts';
import type { LoadedJob } from '../job/load.ts';

export async function composeProject(
  loaded: LoadedJob,
  connection: Connection,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<ComposeProject & { readonly rendered: Rendered }> {
  const { job, projectDir, hidden = nothingHidden } = loaded;
  const rendered = render({ ...loaded, hidden: withNotes(hidden, job, projectDir) });
  // Who asks for the store gets it.
  const store = rendered.file.services.s3 !== undefined;
  return {
    name: loaded.job.name,
    directory: loaded.projectDir,
    yaml: rendered.yaml,
    variables: {
      FTC_PORT: String(loaded.job.port),
      FTC_DOCKER_SOCKET: connection.socket,
      FTC_BASE_IMAGE: await baseImage(connection.docker, loaded.projectDir, env),
      ...(store && { COMPOSE_PROFILES: [env['COMPOSE_PROFILES'], storeName].filter(Boolean).join(',') }),
    },
    ...(store && { images: ['master', 'worker', storeName] }),
    rendered,
  };
}
