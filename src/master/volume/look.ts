/**
 * Looks at a job's volume before training starts: whether its folders can be changed and its files read, and whether something
 * can be written. What is found first is told.
 */
import { constants, type Stats } from 'node:fs';
import { access, lstat, mkdir, open, readdir, rm, statfs } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { GONE, LATEST, parseName } from '../../checkpoint/names.ts';
import { NotPlainError, TooLargeError } from '../../shared/plain-file.ts';
import { KEPT_FILES, replaceUnwritable } from './own.ts';
import type { Obstacle } from '../../api/volume.ts';

const { R_OK, W_OK, X_OK } = constants;
/** What a first checkpoint needs at least: a folder, its two files, LATEST, the lock, the metrics. */
const PROBE_FILES = 6;
const PROBE_BYTES = 64 * 1024;
/** A new one takes the place of whatever has this name, unless that is a folder. */
const RENAMED_OVER = [LATEST, `.tmp-${LATEST}`];

export interface Looking {
  /** Where the volume is mounted. */
  readonly mount: string;
  /** The job's own folder in it. */
  readonly directory: string;
}

/** Null where the job can use it. What is the job's to replace and only another user may write is replaced. */
export async function findObstacle({ mount, directory }: Looking): Promise<Obstacle | null> {
  const at = (path: string): string => relative(mount, path);
  try {
    const there = await lookAt(mount, directory, at);
    if (there !== null) return there;
    return await probe(directory);
  } catch (error) {
    return isFull(error) ? noRoom(directory, at) : obstacleOf(error, at);
  }
}

const isFull = (error: unknown): boolean =>
  ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '');

async function lookAt(mount: string, directory: string, at: Named): Promise<Obstacle | null> {
  const top = await folder(mount, at, X_OK);
  if (top !== null) return top;
  if ((await stats(directory)) === null) return folder(mount, at, W_OK | X_OK);
  const own = await folder(directory, at);
  if (own !== null) return own;
  for (const name of (await readdir(directory)).sort()) {
    const path = join(directory, name);
    const found = await (parseName(name)?.aside === false ? checkpoint(path, at) : null);
    if (found !== null) return found;
  }
  for (const name of KEPT_FILES) {
    const found = await kept(directory, name, at);
    if (found !== null) return found;
  }
  for (const name of RENAMED_OVER) {
    const path = join(directory, name);
    if ((await stats(path))?.isDirectory() === true)
      return { path: at(path), folder: false, problem: { kind: 'odd' } };
  }
  return null;
}

/** A checkpoint is read, and some day removed. What else may be wrong with it is found when it is loaded. */
async function checkpoint(path: string, at: Named): Promise<Obstacle | null> {
  if ((await stats(path))?.isDirectory() !== true) return null;
  const own = await folder(path, at);
  if (own !== null) return own;
  for (const name of (await readdir(path)).sort()) {
    const file = join(path, name);
    const found = await stats(file);
    if (found?.isFile() !== true) continue;
    const denied = await refused(file, found, R_OK, at);
    if (denied !== null) return denied;
  }
  return null;
}

/** A file that is read and appended to. */
async function kept(directory: string, name: string, at: Named): Promise<Obstacle | null> {
  const path = join(directory, name);
  const above = join(path, '..');
  if ((await stats(above)) === null) return null;
  const own = above === directory ? null : await folder(above, at);
  if (own !== null) return own;
  const found = await stats(path);
  if (found === null) return null;
  if (!found.isFile()) return { path: at(path), folder: false, problem: { kind: 'odd' } };
  const denied = await refused(path, found, R_OK, at);
  if (denied !== null) return denied;
  await replaceUnwritable(path);
  return null;
}

type Named = (path: string) => string;

async function folder(path: string, at: Named, mode = R_OK | W_OK | X_OK): Promise<Obstacle | null> {
  const found = await stats(path);
  if (found !== null && !found.isDirectory())
    return { path: at(path), folder: true, problem: { kind: 'odd' } };
  return refused(path, found, mode, at);
}

async function refused(path: string, found: Stats | null, mode: number, at: Named): Promise<Obstacle | null> {
  try {
    await access(path, mode);
    return null;
  } catch (error) {
    return obstacleOf(error, () => at(path), found);
  }
}

/** Null where there is nothing. */
async function stats(path: string): Promise<Stats | null> {
  try {
    return await lstat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Writes what a small checkpoint takes, and removes it. */
async function probe(directory: string): Promise<null> {
  const path = join(directory, `${GONE}probe-${process.pid}`);
  try {
    await mkdir(path, { recursive: true });
    for (let n = 0; n < PROBE_FILES; n += 1) {
      const file = await open(join(path, String(n)), 'wx');
      try {
        if (n === 0) await file.writeFile(Buffer.alloc(PROBE_BYTES, 1));
        await file.sync();
      } finally {
        await file.close();
      }
    }
    return null;
  } finally {
    await rm(path, { recursive: true, force: true }).catch(() => undefined);
  }
}

async function noRoom(directory: string, at: Named): Promise<Obstacle> {
  const path = (await stats(directory).catch(() => null)) === null ? join(directory, '..') : directory;
  const { bsize, blocks, bavail, files, ffree } = await statfs(path);
  const common = { path: at(path), folder: true };
  return files > 0 && ffree < PROBE_FILES + 2
    ? { ...common, problem: { kind: 'noInodes', free: ffree, size: files } }
    : { ...common, problem: { kind: 'full', free: bavail * bsize, size: blocks * bsize } };
}

/** What an error of the file system means here. */
export function obstacleOf(error: unknown, at: Named, found: Stats | null = null): Obstacle {
  const { code, path = '' } = error as NodeJS.ErrnoException;
  const common = { path: at(path), folder: found?.isDirectory() ?? true };
  if (error instanceof NotPlainError) return { ...common, folder: false, problem: { kind: 'odd' } };
  if (error instanceof TooLargeError) {
    const { bytes, most } = error;
    return { ...common, folder: false, problem: { kind: 'tooLarge', bytes, most } };
  }
  if (code === undefined) throw error;
  if (code === 'EROFS') return { ...common, problem: { kind: 'readOnly' } };
  if (code !== 'EACCES' && code !== 'EPERM') return { ...common, problem: { kind: 'failing', code } };
  const owner = found === null ? null : `${found.uid}:${found.gid}`;
  const mode = found === null ? null : `0${(found.mode & 0o7777).toString(8).padStart(3, '0')}`;
  return { ...common, problem: { kind: 'denied', owner, mode } };
}
