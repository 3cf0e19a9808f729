/** Looks at a checkpoint's directory without reading its data: manifest, names, sizes. */
import { type BigIntStats, constants } from 'node:fs';
import { access, lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readPlain, TooLargeError } from '../shared/plain-file.ts';
import { type Manifest, ManifestError, MAX_MANIFEST_BYTES, parseManifest } from './manifest.ts';
import { MANIFEST } from './names.ts';

export interface Examined {
  /** Null where it cannot be read. */
  readonly manifest: Manifest | null;
  /** Of every plain file in the directory. */
  readonly bytes: number;
  /** The same as long as no file was replaced or written to. */
  readonly fingerprint: string;
  /** What is wrong already; null where only the bytes can tell. */
  readonly problem: string | null;
  /** The problem is not the checkpoint's: this user may not read it. */
  readonly unreadable: boolean;
}

/** Null when the directory is gone. One that is removed or replaced meanwhile was never damaged: it is looked at again. */
export async function examine(path: string, job: string, step: number): Promise<Examined | null> {
  for (;;) {
    const before = await identity(path);
    const found = await look(path, job, step);
    if (found === null || found.problem === null || (await identity(path)) === before) return found;
  }
}

const identity = (path: string): Promise<bigint | null> =>
  lstat(path, { bigint: true }).then(
    stats => stats.ino,
    () => null,
  );

async function look(path: string, job: string, step: number): Promise<Examined | null> {
  const nothing = { manifest: null, bytes: 0, fingerprint: '' };
  let files: ReadonlyMap<string, BigIntStats> | null;
  try {
    files = await statFiles(path);
  } catch (error) {
    if (!isDenied(error)) throw error;
    return { ...nothing, problem: reasonOf(error, 'its folder'), unreadable: true };
  }
  if (files === null) return null;
  const sizes = [...files.values()].map(file => Number(file.size));
  const common = {
    bytes: sizes.reduce((sum, size) => sum + size, 0),
    fingerprint: [...files].map(([name, s]) => `${name}:${s.ino}:${s.size}:${s.ctimeNs}`).join('\n'),
  };
  try {
    const manifest = parseManifest(await readManifest(join(path, MANIFEST)));
    const problem = mismatch(manifest, files, job, step);
    const denied = problem === null ? await firstDenied(path, Object.keys(manifest.files)) : null;
    return { ...common, manifest, problem: problem ?? denied, unreadable: denied !== null };
  } catch (error) {
    return { ...common, manifest: null, problem: reasonOf(error, MANIFEST), unreadable: isDenied(error) };
  }
}

/** This user may not do it: that says nothing about what is in a file. */
export const isDenied = (error: unknown): boolean =>
  ['EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '');

async function firstDenied(path: string, names: readonly string[]): Promise<string | null> {
  for (const name of names) {
    const error: unknown = await access(join(path, name), constants.R_OK).catch((error: unknown) => error);
    if (error !== undefined && isDenied(error)) return reasonOf(error, name);
  }
  return null;
}

/** What an error of the file system means for a checkpoint: `state.pt is missing`. */
export function reasonOf(error: unknown, name: string): string {
  if (error instanceof ManifestError) return error.message;
  const { code } = error as NodeJS.ErrnoException;
  if (code === undefined) throw error;
  if (code === 'ENOENT') return `${name} is missing`;
  if (code === 'NOTPLAIN') return `${name} is no plain file`;
  if (error instanceof TooLargeError) return `${name} has ${error.bytes} bytes`;
  return `${name} cannot be read (${code})`;
}

/** @throws ManifestError, and as {@link readPlain} does */
async function readManifest(path: string): Promise<Buffer> {
  const text = await readPlain(path, MAX_MANIFEST_BYTES);
  if (text.length === 0) throw new ManifestError(`${MANIFEST} is empty`);
  return text;
}

function mismatch(
  manifest: Manifest,
  files: ReadonlyMap<string, BigIntStats>,
  job: string,
  step: number,
): string | null {
  if (manifest.job !== job) return `it belongs to the job ${JSON.stringify(manifest.job)}`;
  if (manifest.step !== step) return `its manifest is of step ${manifest.step}`;
  for (const [name, { bytes }] of Object.entries(manifest.files)) {
    const found = files.get(name);
    if (found === undefined) return `${name} is missing`;
    if (Number(found.size) !== bytes) return `${name} has ${found.size} bytes instead of ${bytes}`;
  }
  return null;
}

/** Plain files by name, in order. Null when there is no such directory. */
async function statFiles(path: string): Promise<Map<string, BigIntStats> | null> {
  const names = await readdir(path).catch((error: unknown) => {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return null;
    throw error;
  });
  if (names === null) return null;
  const found = new Map<string, BigIntStats>();
  for (const name of names.sort()) {
    const stats = await lstat(join(path, name), { bigint: true }).catch((error: unknown) => {
      if (isDenied(error)) throw error;
      return null;
    });
    if (stats?.isFile()) found.set(name, stats);
  }
  return found;
}
