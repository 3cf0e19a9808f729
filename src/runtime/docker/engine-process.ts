/**
 * Which process answers at an engine's socket. A pid file would not tell: two engines may run here, in containers others have the
 * same paths, and a socket may have been taken over. What takes our connections does tell.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { within } from '../../shared/within.ts';
import { type ProcessId, processWith } from '../../shared/process-id.ts';

/** A dockerd, while calls were made to the socket. */
export interface Candidate {
  readonly pid: number;
  /** Sockets that it has opened meanwhile. */
  readonly taken: number;
  /** It sees the files, processes, users and networks that this command sees. */
  readonly here: boolean;
}

/** So many at once no other client makes in the same moment. */
const CALLS = 16;
const ANSWER_MS = 10_000;
const namespaces = ['mnt', 'net', 'pid', 'user'];

/** The one that answers, or why none can be named. Pure. */
export function whoAnswers(seen: readonly Candidate[], calls: number): Candidate | string {
  const takers = seen.filter(({ taken }) => taken >= calls);
  const [one] = takers;
  if (one === undefined) return 'no dockerd that can be seen from here answers there';
  if (takers.length > 1)
    return `more than one dockerd may answer there: the processes ${takers.map(({ pid }) => pid).join(', ')}`;
  return one.here
    ? one
    : `its process ${one.pid} runs in a container or in namespaces of its own, where this command cannot start it again`;
}

/** The process behind the socket at `path`, or why it is not known. Only root sees enough to ask. */
export async function engineProcess(path: string): Promise<ProcessId | string> {
  const before = new Map(dockerds().map(pid => [pid, socketsOf(pid)]));
  const calls: Socket[] = [];
  try {
    await within(ANSWER_MS, Promise.all(Array.from({ length: CALLS }, () => ping(path, calls))));
    const seen = [...before].map(([pid, had]) => ({
      pid,
      taken: [...socketsOf(pid)].filter(socket => !had.has(socket)).length,
      here: isHere(pid),
    }));
    const found = whoAnswers(seen, CALLS);
    if (typeof found === 'string') return found;
    const id = processWith(found.pid);
    return id.began === null ? `its process ${id.pid} has just ended` : id;
  } catch (error) {
    return `${path} does not answer: ${error instanceof Error ? error.message : String(error)}`;
  } finally {
    for (const call of calls) call.destroy();
  }
}

function dockerds(): number[] {
  const isDockerd = (pid: string): boolean => read(`/proc/${pid}/comm`) === 'dockerd\n';
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name) && isDockerd(name))
    .map(Number);
}

/** As the kernel calls them: `socket:[4711]`. */
function socketsOf(pid: number): Set<string> {
  const links = orNull(() => readdirSync(`/proc/${pid}/fd`)) ?? [];
  const targets = links.map(fd => orNull(() => readlinkSync(`/proc/${pid}/fd/${fd}`)) ?? '');
  return new Set(targets.filter(target => target.startsWith('socket:')));
}

function isHere(pid: number): boolean {
  const link = (of: string, name: string): string | null =>
    orNull(() => readlinkSync(`/proc/${of}/ns/${name}`));
  return namespaces.every(name => link(String(pid), name) === link('self', name));
}

/** Asks, and stays connected after the answer. */
function ping(path: string, calls: Socket[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const call = connect({ path }, () => call.write('GET /_ping HTTP/1.1\r\nHost: engine\r\n\r\n'));
    calls.push(call);
    call.once('data', () => resolve());
    call.on('error', reject);
    call.on('close', () => reject(new Error(`${path} does not answer`)));
  });
}

const read = (path: string): string | null => orNull(() => readFileSync(path, 'utf8'));

/** A process may end at any moment. */
function orNull<T>(look: () => T): T | null {
  try {
    return look();
  } catch {
    return null;
  }
}
