/** `ftc down`: stops and removes the job's containers, and what its verifications left; with `--volumes` its checkpoints too. */
import { heal } from '../../chaos/heal.ts';
import { createWorld, journalFolders } from '../../chaos/world.ts';
import { forgetHookUrls } from '../client/hook-file.ts';
import { connect, type Connection } from '../runtime/docker/connect.ts';
import { owned, ownedVolumes, removeJob } from '../runtime/docker/own.ts';
import { FtcError } from '../errors.ts';
import type { JobFlags } from '../job/sources.ts';
import { jobName } from './job-name.ts';
import { findLeftovers, removeRun } from '../verify/leftovers.ts';
import { healedLines } from './view/healed.ts';
import { createStages } from './view/stages.ts';
import { stderr } from './print.ts';

export async function run(options: JobFlags & { volumes?: boolean }): Promise<undefined> {
  const name = jobName(options);
  const connection = await connect();
  await removeVerifications(connection, name);
  const { containers, networks } = await owned(connection.docker, name);
  const volumes = await ownedVolumes(connection.docker, name);
  const own = volumes.filter(({ role }) => role !== 's3').map(volume => volume.name);
  const store = volumes.filter(({ role }) => role === 's3').map(volume => volume.name);
  if (containers.length + networks.length === 0) await refuseOther(connection, name);
  if (containers.length + networks.length === 0 && !(own.length > 0 && options.volumes)) {
    const rest =
      own.length > 0
        ? ' Its checkpoints are kept: "ftc up" goes on from them, "ftc down --volumes" removes them.'
        : '';
    stderr.lines(`no container of "${name}" is here.${rest}`);
    return;
  }
  await healFaults(connection, name);
  await createStages().stage(`removing the containers of "${name}"`, onLine =>
    removeJob(connection.docker, name, { onLine }),
  );
  forgetUrls(new Set(containers.map(({ folder }) => folder)), name);
  if (!options.volumes) {
    stderr.lines('checkpoints are kept: "ftc up" goes on from the newest');
    return;
  }
  // Not the store's: that is what an empty volume is filled from.
  for (const volume of own) await remove(connection, volume);
  stderr.lines('checkpoints are removed');
  for (const volume of store)
    stderr.lines(`what the local S3 store holds is kept: "docker volume rm ${volume}" removes it`);
}

/** No master reads them any more, and the next "ftc up" writes them again. */
function forgetUrls(folders: Iterable<string | null>, name: string): void {
  for (const folder of folders) {
    try {
      if (folder !== null) forgetHookUrls(folder, name);
    } catch (error) {
      if (!(error instanceof FtcError)) throw error;
      stderr.lines(`! the URLs of the hooks are not removed: ${error.message}`);
    }
  }
}

async function remove({ docker }: Connection, volume: string): Promise<void> {
  try {
    await docker.getVolume(volume).remove();
  } catch (cause) {
    const { statusCode } = cause as { statusCode?: number };
    if (statusCode === 404) return;
    if (statusCode !== 409) throw cause;
    const hint = `"docker ps --all --filter volume=${volume}" names who uses it.`;
    throw new FtcError('FTC_ENGINE_FAILED', `the volume ${volume} is in use and is not removed`, {
      hint,
      cause,
    });
  }
}

/** Containers of a job that "docker compose -p" started under another project's name carry their job's. */
async function refuseOther({ engine }: Connection, name: string): Promise<void> {
  const [other] = await engine.list(name);
  if (other === undefined) return;
  throw new FtcError(
    'FTC_NOT_OURS',
    `the Compose project "${name}" runs the job "${other.job}": it was started by "docker compose -p ${name}"`,
    { hint: `Remove it the same way: docker compose -p ${name} down` },
  );
}

/** What a fault left in a volume stays there otherwise, and helpers hold on to it. Removing the job is not to fail for that. */
async function healFaults(connection: Connection, name: string): Promise<void> {
  const say = (line: string): void => stderr.lines(line);
  try {
    const containers = await connection.engine.list(name);
    const healed = await heal(createWorld(connection, name, say), name, journalFolders(containers, say));
    healedLines(healed).forEach(say);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const hint = error instanceof FtcError && error.hint !== undefined ? `\n     ${error.hint}` : '';
    say(`what faults have left is not put right: ${error.message}${hint}`);
  }
}

/** What verifications of the job left: they were killed, or told to. One that runs is left alone. */
async function removeVerifications({ docker }: Connection, name: string): Promise<void> {
  const { projects, alive } = await findLeftovers(docker, name);
  if (alive.length > 0)
    stderr.lines(`a verification of "${name}" is running (process ${alive.join(', ')}): left alone`);
  if (projects.length === 0) return;
  await createStages().stage(`removing what a verification left: ${projects.join(', ')}`, async () => {
    for (const project of projects) await removeRun(docker, name, project);
  });
}
