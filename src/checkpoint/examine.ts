/** Looks at a checkpoint's directory without reading its data: manifest, names, sizes. */
import { constants, type BigIntStats } from 'node:fs';
import { lstat, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
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
  const files = await statFiles(path);
  if (files === null) return null;
  const sizes = [...files.values()].map(file => Number(file.size));
  const common = {
    bytes: sizes.reduce((sum, size) => sum + size, 0),
    fingerprint: [...files].map(([name, s]) => `${name}:${s.ino}:${s.size}:${s.ctimeNs}`).join('\n'),
  };
  try {
    const manifest = parseManifest(await readManifest(join(path, MANIFEST)));
    return { ...common, manifest, problem: mismatch(manifest, files, job, step) };
  } catch (error) {
    return { ...common, manifest: null, problem: reasonOf(error, MANIFEST) };
  }
}

/** What an error of the file system means for a checkpoint: `state.pt is missing`. */
export function reasonOf(error: unknown, name: string): string {
  if (error instanceof ManifestError) return error.message;
  const { code } = error as NodeJS.ErrnoException;
  if (code === undefined) throw error;
  if (code === 'ENOENT') return `${name} is missing`;
  if (code === 'ELOOP' || code === 'EISDIR') return `${name} is no plain file`;
  return `${name} cannot be read (${code})`;
}

/** Opens a file of a checkpoint for reading. Links are not followed: they may lead out of the volume. */
export const openFile = (path: string) => open(path, constants.O_RDONLY | constants.O_NOFOLLOW);

async function readManifest(path: string): Promise<Buffer> {
  const file = await openFile(path);
  try {
    const { size } = await file.stat();
    if (size === 0) throw new ManifestError(`${MANIFEST} is empty`);
    if (size > MAX_MANIFEST_BYTES) throw new ManifestError(`${MANIFEST} has ${size} bytes`);
    return await file.readFile();
  } finally {
    await file.close();
  }
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
    const stats = await lstat(join(path, name), { bigint: true }).catch(() => null);
    if (stats?.isFile()) found.set(name, stats);
  }
  return found;
}
