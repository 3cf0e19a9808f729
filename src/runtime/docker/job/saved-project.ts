/**
 * What `ftc up` started, kept beside the job file: workers that are added later must be like those that run, whatever the job file and
 * the command line say by then.
 */
import { composeLabels } from '../../../shared/names.ts';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { ownFiles } from '../../../disk/own-files.ts';
import { makeOwnFolder, ownFolder, readOwnFile } from '../../../disk/own-folder.ts';
import { FtcError } from '../../../errors.ts';
import { render } from '../../../../compose/render.ts';
import type { CheckpointOptions } from '../../job.ts';
import type { ComposeProject } from '../compose.ts';
import type { Connection } from '../connect.ts';
import type { Replica } from '../../replica.ts';
import { dotEnvFor } from '../../../job/dot-env.ts';
import { forgetHookUrls, saveHookUrls } from '../../../client/hook-file.ts';
import { hookVariables } from './hook-variables.ts';

/** Writes `<directory>/.ftc/<name>.yaml`, and the URLs of its hooks. @throws FtcError FTC_NOT_TRUSTED, FTC_CANNOT_WRITE */
export function saveProject({ name, directory, yaml, hookUrls }: ComposeProject): void {
  if (yaml === null) return;
  makeOwnFolder(directory).write(ownFiles.project(name), yaml);
  if (hookUrls !== undefined) saveHookUrls(directory, name, hookUrls);
}

/** What {@link saveProject} wrote there; null where nothing is. @throws FtcError FTC_NOT_TRUSTED */
export function savedProject(directory: string, name: string): ComposeProject | null {
  const yaml = ownFolder(directory).read(ownFiles.project(name));
  return yaml === null ? null : { name, directory, yaml, variables: {} };
}

/** The same where something is; else as the job would be rendered. @throws FtcError FTC_NOT_TRUSTED, and as loading a job does */
export function savedOrRendered(
  name: string,
  { folder, load }: CheckpointOptions['fallback'],
): ComposeProject {
  const saved = savedProject(folder, name);
  if (saved !== null) return saved;
  const loaded = load();
  return { name, directory: loaded.projectDir, yaml: render(loaded).yaml, variables: {} };
}

/** Removes what is kept of a project that is gone, its chaos journal included. @throws FtcError FTC_NOT_TRUSTED */
export function forgetProject(directory: string, name: string): void {
  const folder = ownFolder(directory);
  for (const file of [ownFiles.project, ownFiles.chaosJournal, ownFiles.chaosLock]) folder.remove(file(name));
  forgetHookUrls(directory, name);
}

/**
 * The project that `container` belongs to, as it was started: by ftc from the saved file, otherwise from the files that were
 * given to `docker compose`.
 * @throws FtcError FTC_NOT_RUNNING when none can be read, FTC_NOT_TRUSTED
 */
export async function projectOf({ docker, socket }: Connection, container: Replica): Promise<ComposeProject> {
  const { Config } = await docker.getContainer(container.id).inspect();
  const name = container.project;
  const directory = Config.Labels[composeLabels.folder] ?? process.cwd();
  const named = (Config.Labels[composeLabels.files] ?? '')
    .split(',')
    .filter(file => file !== '' && file !== '-');
  const files = named.map(file => (isAbsolute(file) ? file : join(directory, file)));
  // Started by "docker compose" with its own files: those are the truth, not what an earlier "ftc up" left.
  const variablesOf = (yaml: string): Record<string, string> => ({
    ...dotEnvFor(directory, yaml),
    ...hookVariables(directory, name),
    FTC_DOCKER_SOCKET: socket,
  });
  const saved = files.length > 0 ? null : savedProject(directory, name);
  if (saved !== null) return { ...saved, variables: variablesOf(saved.yaml ?? '') };
  for (const file of files) {
    const yaml = readOwnFile(dirname(file), basename(file));
    if (yaml === null) continue;
    return { name, directory, yaml, variables: variablesOf(yaml) };
  }
  const tried = files.length > 0 ? files : [join(ownFolder(directory).path, ownFiles.project(name))];
  throw new FtcError('FTC_NOT_RUNNING', `how "${name}" was started is not known any more`, {
    hint: `Neither ${tried.join(' nor ')} can be read. Scale with "docker compose up --scale" where it was started.`,
  });
}
