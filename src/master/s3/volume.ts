/** The volume's side of copying: what is there, its bytes as they are verified, and putting one in its place. */
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { mkdir, open, readdir, rename, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { CHUNK } from '../../checkpoint/hash.ts';
import { type Manifest, MAX_MANIFEST_BYTES, parseManifest } from '../../checkpoint/manifest.ts';
import { MANIFEST, nameOf, parseName } from '../../checkpoint/names.ts';
import { openPlain, readPlain } from '../../shared/plain-file.ts';

const temporary = '.tmp-s3-';

export interface LocalStep {
  readonly step: number;
  readonly bytes: number;
  readonly manifest: Manifest;
  /** The manifest as it is in the file. */
  readonly text: Buffer;
}

/** A file is not what its manifest says. The message is the reason. */
export class Damaged extends Error {
  override readonly name = 'Damaged';
}

/** True when no checkpoint of the job was ever here: none is there, and none was set aside. False where that cannot be seen. */
export function isEmpty(directory: string): boolean {
  try {
    return !readdirSync(directory).some(name => parseName(name) !== null);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}

/** Checkpoints whose manifest can be read, newest first. Their files are verified when they are copied. */
export async function localSteps(directory: string): Promise<LocalStep[]> {
  const names = await readdir(directory).catch(() => []);
  const steps = names.map(parseName).filter(name => name?.aside === false);
  const found = await Promise.all(steps.map(name => readStep(directory, name?.step ?? 0)));
  return found.filter(step => step !== null).sort((a, b) => b.step - a.step);
}

/** Null where there is none, or none that can be read. */
export async function readStep(directory: string, step: number): Promise<LocalStep | null> {
  try {
    const text = await readPlain(join(directory, nameOf(step), MANIFEST), MAX_MANIFEST_BYTES);
    const manifest = parseManifest(text);
    if (manifest.step !== step) return null;
    const bytes = Object.values(manifest.files).reduce((sum, file) => sum + file.bytes, 0);
    return { step, bytes, manifest, text };
  } catch {
    return null;
  }
}

/**
 * A file's bytes, hashed as they go. Whoever takes them has nothing to keep before the end: it throws where they are not what
 * the manifest says.
 * @throws Damaged
 */
export async function* verified(
  directory: string,
  { step, manifest }: LocalStep,
  name: string,
): AsyncGenerator<Buffer> {
  const expected = manifest.files[name] ?? { bytes: 0, sha256: '' };
  const file = await openPlain(join(directory, nameOf(step), name));
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    while (bytes <= expected.bytes) {
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(CHUNK), 0, CHUNK, null);
      if (bytesRead === 0) break;
      const piece = buffer.subarray(0, bytesRead);
      hash.update(piece);
      bytes += bytesRead;
      yield piece;
    }
  } finally {
    await file.close();
  }
  check(name, expected, bytes, hash.digest('hex'));
}

function check(
  name: string,
  expected: { bytes: number; sha256: string },
  bytes: number,
  sha256: string,
): void {
  if (bytes > expected.bytes) throw new Damaged(`${name} has more than ${expected.bytes} bytes`);
  if (bytes < expected.bytes) throw new Damaged(`${name} has ${bytes} bytes instead of ${expected.bytes}`);
  if (sha256 !== expected.sha256) throw new Damaged(`${name} does not have the SHA-256 of its manifest`);
}

/** Removes what a restore that was interrupted has left. */
export async function sweep(directory: string): Promise<void> {
  const names = await readdir(directory).catch(() => []);
  for (const name of names)
    if (name.startsWith(temporary)) await rm(join(directory, name), { recursive: true, force: true });
}

/**
 * Puts a checkpoint in its place, as the writer does: aside, synced, renamed, synced; then LATEST the same way. One that is there
 * already, from a time when LATEST could not be written, is not fetched again.
 * @param fetch a file's bytes, as they come
 * @throws Damaged, and what `fetch` throws; errors of the file system name the path
 */
export async function place(
  directory: string,
  manifest: Manifest,
  text: Uint8Array,
  fetch: (name: string) => AsyncIterable<Uint8Array>,
): Promise<void> {
  const name = nameOf(manifest.step);
  await mkdir(directory, { recursive: true });
  const there = await readStep(directory, manifest.step);
  if (there?.text.equals(text) !== true) await placeFiles(directory, manifest, text, fetch);
  const latest = join(directory, `${temporary}LATEST`);
  // Whatever stands there under this name is no file of ours: nothing is written into it, or through it.
  await rm(latest, { recursive: true, force: true });
  await write(latest, handle => handle.writeFile(`${name}\n`));
  await rename(latest, join(directory, 'LATEST'));
  await syncDirectory(directory);
}

async function placeFiles(
  directory: string,
  manifest: Manifest,
  text: Uint8Array,
  fetch: (name: string) => AsyncIterable<Uint8Array>,
): Promise<void> {
  const name = nameOf(manifest.step);
  const aside = join(directory, temporary + name);
  await rm(aside, { recursive: true, force: true });
  try {
    await mkdir(aside);
    for (const [file, expected] of Object.entries(manifest.files)) {
      const hash = createHash('sha256');
      let bytes = 0;
      await write(join(aside, file), async handle => {
        for await (const piece of fetch(file)) {
          hash.update(piece);
          bytes += piece.length;
          if (bytes > expected.bytes) break;
          await handle.writeFile(piece);
        }
      });
      check(file, expected, bytes, hash.digest('hex'));
    }
    await write(join(aside, MANIFEST), handle => handle.writeFile(text));
    await syncDirectory(aside);
    await rename(aside, join(directory, name));
    await syncDirectory(directory);
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

/** Writes a file and syncs it. What the file system says of an open file does not name it: here it does. */
export async function write(path: string, fill: (handle: FileHandle) => Promise<void>): Promise<void> {
  const handle = await open(path, 'w');
  try {
    await fill(handle);
    await handle.sync();
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (ours.has(code ?? '') && syscall !== undefined) Object.assign(error as Error, { path });
    throw error;
  } finally {
    await handle.close();
  }
}

/** What a disk says, and no socket. */
const ours = new Set(['ENOSPC', 'EDQUOT', 'EFBIG', 'EIO', 'EROFS']);

async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
