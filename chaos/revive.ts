/** The engine that a command ended and, being killed itself, did not start again. Without it nothing else can be put right. */
import { connect, type Connection } from '../src/runtime/docker/connect.ts';
import { FtcError } from '../src/errors.ts';
import { engineHosts } from '../src/runtime/docker/host.ts';
import { socketOf, startEngine } from '../src/runtime/docker/daemon.ts';
import { engine, EngineData } from './faults/engine.ts';
import type { EngineRun } from '../src/runtime/faults.ts';
import { type Entry, openFaults } from './journal/entries.ts';
import { lockIn, readEntries } from './journal/file.ts';
import { self, takeLock } from './journal/lock.ts';

/** The engine that was ended; null where nobody ended one, or whoever did has started it again. Pure. */
export function endedEngine(entries: readonly Entry[]): EngineRun | null {
  const record = openFaults(entries).find(r => r.fault === engine.name);
  return EngineData.safeParse(record?.data).data ?? null;
}

/**
 * As `connect`; starts the engine first where the journal says that a command has ended it.
 * @param folder where the job's journal lies
 * @throws FtcError what `connect` throws; FTC_ALREADY_RUNNING while that command is at work; FTC_CANNOT for want of rights
 */
export async function connectOrRevive(
  project: string,
  folder: string,
  say: (line: string) => void,
): Promise<Connection> {
  try {
    return await connect();
  } catch (error) {
    if (!(error instanceof FtcError) || error.code !== 'FTC_NO_ENGINE') throw error;
    const ended = endedEngine(readEntries(folder, project));
    if (ended === null) throw error;
    if (!engineHosts(process.env).some(({ url }) => isAt(url, ended.socket)))
      throw new FtcError('FTC_CANNOT', `"ftc chaos engine" has ended another engine: ${ended.socket}`, {
        hint: `Say that it is meant: DOCKER_HOST=unix://${ended.socket} ftc chaos heal`,
        cause: error,
      });
    if (process.getuid?.() !== 0)
      throw new FtcError(
        'FTC_CANNOT',
        'the engine was ended by "ftc chaos engine", and only root can start it',
        {
          hint: 'Run "sudo systemctl start docker", or this command as root.',
          cause: error,
        },
      );
    const release = takeLock(lockIn(folder, project), self('heal', 'ftc chaos heal'));
    try {
      say('starting the engine, which "ftc chaos engine" has ended');
      await startEngine(ended, () => connect().then(Boolean, () => false));
    } finally {
      release();
    }
    return connect();
  }
}

const isAt = (url: string, socket: string): boolean =>
  url.startsWith('unix://') && socketOf(url) === socketOf(`unix://${socket}`);
