/**
 * What `ftc up` started, kept beside the job file: workers that are added later must be like those that run, whatever the job file and
 * the command line say by then.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { FtcError } from '../errors.ts';
import type { ComposeProject } from '../docker/compose.ts';
import type { Connection } from '../docker/connect.ts';
import type { Container } from '../docker/engine.ts';
import { dotEnvFor } from '../job/dot-env.ts';

const FOLDER = '.ftc';
const DIRECTORY = 'com.docker.compose.project.working_dir';
const FILES = 'com.docker.compose.project.config_files';

/** Writes `<directory>/.ftc/<name>.yaml`. Git does not see the folder. */
export async function saveProject(project: ComposeProject): Promise<void> {
  if (project.yaml === null) return;
  const folder = join(project.directory, FOLDER);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, '.gitignore'), '*\n');
  await writeFile(join(folder, `${project.name}.yaml`), project.yaml);
}

/** What {@link saveProject} wrote there; null where nothing is. */
export async function savedProject(directory: string, name: string): Promise<ComposeProject | null> {
  const yaml = await readFile(join(directory, FOLDER, `${name}.yaml`), 'utf8').catch(() => null);
  return yaml === null ? null : { name, directory, yaml, variables: {} };
}

/**
 * The project that `container` belongs to, as it was started: by ftc from the saved file, otherwise from the files that were
 * given to `docker compose`.
 * @throws FtcError FTC_NOT_RUNNING when neither can be read
 */
export async function projectOf(
  { docker, socket }: Connection,
  container: Container,
): Promise<ComposeProject> {
  const { Config } = await docker.getContainer(container.id).inspect();
  const directory = Config.Labels[DIRECTORY] ?? process.cwd();
  const named = (Config.Labels[FILES] ?? '').split(',').filter(file => file !== '' && file !== '-');
  const files = [join(directory, FOLDER, `${container.project}.yaml`)].concat(
    named.map(file => (isAbsolute(file) ? file : join(directory, file))),
  );
  // Started by "docker compose" with its own files: those are the truth, not what an earlier "ftc up" left.
  if (named.length > 0) files.shift();
  for (const file of files) {
    const yaml = await readFile(file, 'utf8').catch(() => null);
    if (yaml === null) continue;
    const variables = { ...dotEnvFor(directory, yaml), FTC_DOCKER_SOCKET: socket };
    return { name: container.project, directory, yaml, variables };
  }
  throw new FtcError('FTC_NOT_RUNNING', `how "${container.project}" was started is not known any more`, {
    hint: `Neither ${files.join(' nor ')} can be read. Scale with "docker compose up --scale" where it was started.`,
  });
}
