/** `ftc down`: stops and removes the job's containers, and what its verifications left; with `--volumes` its checkpoints too. */
import { heal } from '../../chaos/heal.ts';
import { createWorld, journalFolders } from '../../chaos/world.ts';
import { Compose } from '../docker/compose.ts';
import { connect, type Connection } from '../docker/connect.ts';
import { LABEL_JOB, LABEL_ROLE } from '../docker/engine.ts';
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
  const compose = await Compose.find(connection.host);
  const filters = { label: [`${LABEL_JOB}=${name}`] };
  const containers = await connection.docker.listContainers({ all: true, filters });
  const { own, store } = await volumesOf(connection, name);
  if (containers.length === 0 && !(own.length > 0 && options.volumes)) {
    const rest =
      own.length > 0
        ? ' Its checkpoints are kept: "ftc up" goes on from them, "ftc down --volumes" removes them.'
        : '';
    stderr.lines(`no container of "${name}" is here.${rest}`);
    return;
  }
  await healFaults(connection, name);
  const project = { name, directory: process.cwd(), yaml: null, variables: {} };
  await createStages().stage(`removing the containers of "${name}"`, line =>
    compose.down(project, { onLine: line }),
  );
  if (!options.volumes) {
    stderr.lines('checkpoints are kept: "ftc up" goes on from the newest');
    return;
  }
  // Not Compose's to remove: it would take the store along, which is what an empty volume is filled from.
  for (const volume of own) await remove(connection, volume);
  stderr.lines('checkpoints are removed');
  for (const volume of store)
    stderr.lines(`what the local S3 store holds is kept: "docker volume rm ${volume}" removes it`);
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

/** The job's volumes by name: its own, and that of a store beside it. */
async function volumesOf({ docker }: Connection, name: string): Promise<{ own: string[]; store: string[] }> {
  const filters = { label: [`${LABEL_JOB}=${name}`, `com.docker.compose.project=${name}`] };
  const { Volumes: volumes } = await docker.listVolumes({ filters: filters as never });
  const isStore = (labels: Readonly<Record<string, string>> | null): boolean => labels?.[LABEL_ROLE] === 's3';
  return {
    own: volumes.filter(({ Labels }) => !isStore(Labels)).map(({ Name }) => Name),
    store: volumes.filter(({ Labels }) => isStore(Labels)).map(({ Name }) => Name),
  };
}

/** What a fault left in a volume stays there otherwise, and helpers hold on to it. Removing the job is not to fail for that. */
async function healFaults(connection: Connection, name: string): Promise<void> {
  const say = (line: string): void => stderr.lines(line);
  try {
    const containers = await connection.engine.list(name);
    const healed = await heal(createWorld(connection, say), name, journalFolders(containers));
    healedLines(healed).forEach(say);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    say(`what faults have left is not put right: ${error.message}`);
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
