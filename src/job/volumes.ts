/** Folders and files of the host that a job's workers see besides the script's: `source:target`, read-only unless `:rw` says so. */
import { mounts } from '../shared/names.ts';
import { posix } from 'node:path';

export interface Volume {
  /** Absolute, or relative to the job file while that is read. */
  readonly source: string;
  /** Absolute, in the container. */
  readonly target: string;
  readonly writable: boolean;
}

/** What ftc itself mounts, or must not be hidden. */
const own = [...Object.values(mounts), '/cache', '/tmp', '/dev', '/opt/ftc'];
/** Nothing may be mounted in these either: they are read-only, or the engine's. */
const closed = [mounts.script, mounts.checkpoints, '/opt/ftc', '/proc', '/sys', '/dev', '/run'];
/** Without these nothing starts. */
const system = ['/', '/bin', '/sbin', '/lib', '/lib64', '/usr', '/etc', '/opt', '/var'];

/** Null where `text` is no volume. The source may hold a colon, as on Windows. */
export function parseVolume(text: string): Volume | null {
  const [, source, target, mode] = /^(.+?):(\/[^:]*)(?::(ro|rw))?$/s.exec(text) ?? [];
  if (source === undefined || target === undefined || /[\0\n]/.test(text)) return null;
  return { source, target: posix.normalize(target).replace(/(.)\/$/, '$1'), writable: mode === 'rw' };
}

/** What is wrong with a volume's place in the container, as the end of a sentence; null where nothing is. */
export function targetProblem(target: string): string | null {
  if (system.includes(target)) return `has the target ${target}, which the container's system needs`;
  const hidden = own.find(path => path === target || path.startsWith(`${target}/`));
  if (hidden !== undefined) return `has the target ${target}, which hides ftc's own ${hidden}`;
  const inside = closed.find(path => target === path || target.startsWith(`${path}/`));
  if (inside !== undefined) return `has the target ${target}, and nothing can be mounted in ${inside}`;
  return null;
}
