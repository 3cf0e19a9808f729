/**
 * A job belongs to one folder and one script. What says so is an id in the folder and on the volume with the checkpoints (or beside
 * them, in a directory of the host), so that no experiment goes on from another's weights.
 */
import { composeLabels, ftcLabels } from '../../../shared/names.ts';
import { randomUUID } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type Docker from 'dockerode';
import { memberVolumeNames } from '../../../../compose/members.ts';
import type { ComposeProject } from '../compose.ts';
import type { Connection } from '../connect.ts';
import { engineError, statusOf } from '../engine-error.ts';
import { otherName } from '../neighbours.ts';
import { owned, removeOwnVolumes } from '../own.ts';
import { FtcError } from '../../../errors.ts';
import type { LoadedJob } from '../../../job/load.ts';
import { CheckpointClient } from '../../../client/checkpoint-client.ts';
import { MasterClient } from '../../../client/master-client.ts';
import { masterUrlOf } from '../../absent.ts';
import { isSameFolder, readStored, whoIsHere, writeRecord, writeStored } from '../../../client/job-record.ts';
import { openCheckpoints } from './open-checkpoints.ts';
import { verdictOf, type Here, type JobRecord, type There } from '../../../client/ownership.ts';

/** What is done when the job is really started. */
export interface Claim {
  /** Writes the id where it belongs. @returns what takes back what was made for that, where the start fails */
  take(): Promise<() => Promise<void>>;
}

/** @throws FtcError FTC_OTHER_FOLDER */
export async function claimJob(
  connection: Connection,
  loaded: LoadedJob,
  project: ComposeProject,
  adopt: boolean,
): Promise<Claim> {
  const here = await whoIsHere(loaded);
  const there = await whatIsThere(connection.docker, loaded, here);
  const verdict = verdictOf(here, there);
  if (!adopt && (verdict === 'other folder' || verdict === 'other script')) {
    const step = await stepOf(connection, project).catch(() => null);
    throw otherError(loaded.job.name, here, verdict === 'other folder' ? there : null, step);
  }
  const known = verdict === 'ours' ? here.record?.id : undefined;
  const id = there?.id ?? known ?? randomUUID();
  const record = { id, folder: here.folder, script: here.script };
  const begins = there === null;
  return { take: () => take(connection.docker, loaded, record, begins) };
}

async function whatIsThere(docker: Docker, { job }: LoadedJob, here: Here): Promise<There | null> {
  const { containers } = await owned(docker, job.name);
  const started = containers.find(({ folder }) => folder !== null)?.folder ?? null;
  const { dir } = job.checkpoint;
  const stored = dir === null ? null : await readStored(beside(dir, job.name));
  const labels = dir === null ? await volumeLabels(docker, volumeOf(job.name)) : null;
  if (containers.length === 0 && stored === null && labels === null) return null;
  const folder = started ?? stored?.folder ?? labels?.[ftcLabels.folder] ?? null;
  const same = folder !== null && (await isSameFolder(here.folder, folder));
  return {
    id: stored?.id ?? labels?.[ftcLabels.id] ?? null,
    folder: same ? here.folder : folder,
    folderElsewhere: folder !== null && !same && (await isFolder(folder)),
    byHand:
      containers.length === 0 && stored === null && labels !== null && labels[ftcLabels.job] === undefined,
  };
}

async function take(
  docker: Docker,
  { job }: LoadedJob,
  record: JobRecord,
  begins: boolean,
): Promise<() => Promise<void>> {
  const { name } = job;
  writeRecord(name, record);
  // Another job of this name may have left its secret and its journal, which say nothing of this one.
  if (begins) await removeOwnVolumes(docker, name, memberVolumeNames);
  if (job.checkpoint.dir !== null) {
    // A directory that only the containers' user may write is left as it is.
    await writeStored(beside(job.checkpoint.dir, name), record).catch(() => undefined);
    return () => Promise.resolve();
  }
  const volume = volumeOf(name);
  if ((await volumeLabels(docker, volume)) !== null) {
    await sure(docker, name, record);
    return () => Promise.resolve();
  }
  // As Compose would make it, but for its hash of the labels: then "docker compose up" takes it as it is.
  const Labels = {
    [composeLabels.project]: name,
    [composeLabels.volume]: 'checkpoints',
    [ftcLabels.job]: name,
    [ftcLabels.id]: record.id,
    [ftcLabels.folder]: record.folder,
  };
  await docker.createVolume({ Name: volume, Labels }).catch((error: unknown) => {
    throw engineError(error, `make the volume ${volume}`);
  });
  await sure(docker, name, record);
  return async () => {
    await docker
      .getVolume(volume)
      .remove()
      .catch(() => undefined);
  };
}

/** Building takes a while: somebody else may have started a job of this name meanwhile. @throws FtcError FTC_OTHER_FOLDER */
async function sure(docker: Docker, name: string, { id }: JobRecord): Promise<void> {
  const labels = await volumeLabels(docker, volumeOf(name));
  const other = labels?.[ftcLabels.id];
  if (other === undefined || other === id) return;
  throw new FtcError(
    'FTC_OTHER_FOLDER',
    `a job "${name}" was started from ${labels?.[ftcLabels.folder] ?? 'another folder'} at the same time`,
    { hint: `Give this one another name: --name ${otherName(name)} (or name: in the job file).` },
  );
}

const volumeOf = (name: string): string => `${name}_checkpoints`;
const beside = (dir: string, name: string): string => join(dir, `.ftc-${name}.json`);

/** Null where there is no such volume. */
async function volumeLabels(
  docker: Docker,
  name: string,
): Promise<Readonly<Record<string, string | undefined>> | null> {
  try {
    // The engine says null where a volume has none.
    const answer = (await docker.getVolume(name).inspect()) as { Labels: Record<string, string> | null };
    return answer.Labels ?? {};
  } catch (error) {
    if (statusOf(error) === 404) return null;
    throw engineError(error, `look at the volume ${name}`);
  }
}

/** How far the job is that has the name: its master says, or its newest checkpoint. */
async function stepOf(connection: Connection, project: ComposeProject): Promise<number | null> {
  const containers = await connection.engine.list(project.name);
  if (containers.some(c => c.role === 'master' && c.state === 'running'))
    return (await new MasterClient(masterUrlOf(containers)).status()).step;
  const opened = await openCheckpoints(connection, {
    name: project.name,
    project: () => project,
    write: false,
    files: false,
  });
  try {
    const client = new CheckpointClient(opened.source, AbortSignal.timeout(20_000));
    return (await client.list())[0]?.step ?? null;
  } finally {
    await opened.close();
  }
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isDirectory() ?? false;
}

function otherError(name: string, here: Here, there: There | null, step: number | null): FtcError {
  const at = step === null ? '' : `, at step ${step}`;
  const whose =
    there === null
      ? `the job "${name}" of this folder trains another script: ${here.record?.script ?? ''}${at}, and not ${here.script}`
      : `the job "${name}" belongs to another folder: ${there.folder ?? 'which one is not known'}${at}`;
  return new FtcError('FTC_OTHER_FOLDER', `${whose}. Nothing was started or changed`, {
    hint: [
      `Train this one beside it:         ftc up --name ${otherName(name)} (or name: in the job file)`,
      `Remove that one's checkpoints:    ftc down --volumes --name ${name}`,
      `Go on here from its checkpoints:  ftc up --adopt`,
    ].join('\n'),
  });
}
