/** Which process it is: a number alone is given to another one sooner or later. */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

export interface ProcessId {
  readonly host: string;
  readonly pid: number;
  /** When it began, as its kernel tells. Null where that is not known. */
  readonly began: string | null;
}

export const thisProcess = (): ProcessId => processWith(process.pid);

/** The one on this machine that has the number now. */
export const processWith = (pid: number): ProcessId => ({ host: hostname(), pid, began: beginOf(pid) });

/** Of another machine's processes nothing is known: null. */
export function isAlive({ host, pid, began }: ProcessId): boolean | null {
  if (host !== hostname()) return null;
  const now = beginOf(pid);
  if (began !== null) return now === began;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** `host/pid/began`, or without the last where that is not known. */
export const toText = ({ host, pid, began }: ProcessId): string =>
  [host, pid, ...(began === null ? [] : [began])].join('/');

export function fromText(text: string): ProcessId {
  const [host = '', pid = '', began = null] = text.split('/');
  return { host, pid: Number(pid), began };
}

/** The 22nd field of /proc/PID/stat, in which the name stands in parentheses; null where no such process lives, or there is no /proc. */
function beginOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // Dead, and not yet taken note of.
    return state === 'Z' || state === 'X' ? null : (rest[18] ?? null);
  } catch {
    return null;
  }
}
