/** The way to a job's checkpoints: its master where that runs, otherwise a container for a moment that has only their volume. */
import { existsSync } from 'node:fs';
import type { ComposeProject } from '../compose.ts';
import type { Connection } from '../connect.ts';
import { type OneOff, startOneOff } from '../one-off.ts';
import { FtcError } from '../../../errors.ts';
import { containerUser, ownerOf } from '../../../job/host.ts';
import { type CheckpointPlace, placeOf, placeOfMaster } from './checkpoint-place.ts';
import { masterUrlOf, noJob } from '../../absent.ts';
import type { CheckpointAccess } from '../../job.ts';
import { silent } from '../../../client/http.ts';
import { StreamAgent } from '../../../client/stream-agent.ts';
import { jobNames } from './names.ts';
import { tokenOf } from './token.ts';

export interface OpenOptions {
  readonly name: string;
  /** How the job was started, or would be, when none of its containers is left to tell. */
  readonly project: () => ComposeProject;
  /** Something may be removed. */
  readonly write: boolean;
  /** Their files are read: the master's port gives none to whoever asks. */
  readonly files: boolean;
}

/** @throws FtcError FTC_NOT_RUNNING where nothing at all is left, FTC_NO_IMAGE, and as the engine does */
export async function openCheckpoints(connection: Connection, o: OpenOptions): Promise<CheckpointAccess> {
  const containers = await connection.engine.list(o.name);
  const master = containers.find(c => c.role === 'master');
  if (!o.files && (master?.state === 'running' || master?.state === 'paused')) {
    const base = masterUrlOf(containers);
    const source = {
      base,
      token: () => tokenOf(connection, containers),
      silent: (cause: unknown) => silent(base, cause),
    };
    return { source, close: () => Promise.resolve() };
  }
  const place =
    master === undefined
      ? placeFor(o.project())
      : placeOfMaster(await connection.docker.getContainer(master.id).inspect());
  if (!(await isThere(connection, place))) throw await nothingLeft(connection, o.name, place);
  return lookInto(connection, place, o);
}

/**
 * As a project says that was saved or is rendered, but for the user: that is who owns the directory, as where `ftc up` starts it.
 * @throws FtcError FTC_USAGE where that is root
 */
function placeFor(project: ComposeProject): CheckpointPlace {
  const place = placeOf(project);
  if (place.type === 'volume') return { ...place, user: containerUser };
  return existsSync(place.source) ? { ...place, user: ownerOf(place.source, process.cwd()) } : place;
}

async function isThere({ docker }: Connection, { type, source }: CheckpointPlace): Promise<boolean> {
  if (type === 'bind') return existsSync(source);
  const found = await docker.listVolumes({ filters: { name: [source] } });
  return found.Volumes.some(volume => volume.Name === source);
}

async function nothingLeft(connection: Connection, name: string, place: CheckpointPlace): Promise<FtcError> {
  const where = place.type === 'volume' ? `no volume ${place.source}` : `no directory ${place.source}`;
  const hint = await hintOf(connection, name);
  return new FtcError(
    'FTC_NOT_RUNNING',
    `no job "${name}" is here, and no checkpoint of it: there is ${where}`,
    {
      ...(hint !== undefined && { hint }),
    },
  );
}

/** What may be done where neither the job nor its checkpoints are found; undefined where nothing is known. */
async function hintOf({ engine, docker }: Connection, name: string): Promise<string | undefined> {
  const containers = await engine.list(name);
  if (containers.length === 0) return noJob(name, await jobNames(docker)).hint;
  try {
    masterUrlOf(containers);
    return undefined;
  } catch (error) {
    return (error as FtcError).hint;
  }
}

async function lookInto(
  { docker }: Connection,
  { job, image, user, environment, type, source, target }: CheckpointPlace,
  { write }: OpenOptions,
): Promise<CheckpointAccess> {
  const mount: OneOff['mount'] = { type, source, target, readOnly: !write };
  const command = ['node', '/opt/ftc/checkpoints.js'];
  const running = await startOneOff(docker, { job, image, command, user, environment, mount });
  const { stream } = running;
  const ended = (cause: unknown): FtcError => {
    const said = stream.stderr.trim();
    return new FtcError(
      'FTC_ENGINE_FAILED',
      `the container that looks into ${source} ended${said && `: ${said}`}`,
      {
        hint: `Its image is ${image}; "ftc up" builds that of this version.`,
        cause,
      },
    );
  };
  const agent = new StreamAgent(stream);
  return { source: { base: 'http://ftc', agent, silent: ended }, close: () => running.close() };
}
