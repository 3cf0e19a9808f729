/** Whether a project that was read from disk is the one that runs: what is kept in a folder may have come with it from elsewhere. */
import { composeLabels } from '../../../shared/names.ts';
import type { Compose, ComposeProject } from '../compose.ts';
import type { Replica } from '../../replica.ts';
import { FtcError } from '../../../errors.ts';

/**
 * Compares a service's settings with those of a container that runs it: image, mounts, rights, environment and all the rest.
 * @throws FtcError FTC_NOT_TRUSTED where they differ
 */
export async function refuseOther(
  compose: Pick<Compose, 'fingerprint'>,
  project: ComposeProject,
  { name, labels }: Pick<Replica, 'name' | 'labels'>,
  service: string,
): Promise<void> {
  const wanted = labels[composeLabels.fingerprint];
  if (wanted !== undefined && (await compose.fingerprint(project, service)) === wanted) return;
  throw new FtcError(
    'FTC_NOT_TRUSTED',
    `what is kept in ${project.directory} of "${project.name}" is not how ${name} was started: its service "${service}" has other settings`,
    {
      hint: 'Variables of the environment that the job is given, or Compose itself, may have changed since. "ftc down" and "ftc up --scale worker=N" resume from the latest checkpoint with the settings of now.',
    },
  );
}
