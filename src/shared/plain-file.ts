/**
 * Reads what somebody else may have put there: plain files only, never through a link, and no more than is asked for. A FIFO or a
 * device under a file's name keeps nobody waiting: it is opened without blocking, looked at, and refused.
 */
import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
const FLAGS = O_RDONLY | O_NOFOLLOW | O_NONBLOCK;

/** The path leads to no plain file. Its code is none that the file system says. */
export class NotPlainError extends Error {
  override readonly name = 'NotPlainError';
  readonly code = 'NOTPLAIN';
  readonly path: string;

  constructor(path: string) {
    super(`${path} is no plain file`);
    this.path = path;
  }
}

/** A plain file is larger than anything that was written there. */
export class TooLargeError extends Error {
  override readonly name = 'TooLargeError';
  readonly code = 'TOOLARGE';
  readonly path: string;
  readonly bytes: number;
  readonly most: number;

  constructor(path: string, bytes: number, most: number) {
    super(`${path} has ${bytes} bytes, and at most ${most} are read`);
    this.path = path;
    this.bytes = bytes;
    this.most = most;
  }
}

/** Opens a plain file for reading. @throws NotPlainError, and as the file system does */
export async function openPlain(path: string): Promise<FileHandle> {
  const file = await open(path, FLAGS).catch(named(path));
  try {
    if ((await file.stat()).isFile()) return file;
    throw new NotPlainError(path);
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** All of a plain file. @throws NotPlainError, TooLargeError, and as the file system does */
export async function readPlain(path: string, most: number): Promise<Buffer> {
  const file = await openPlain(path);
  try {
    const buffer = roomFor(path, await file.stat(), most);
    let length = 0;
    while (length < buffer.length) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length, null);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return bounded(path, buffer, length, most);
  } finally {
    await file.close();
  }
}

/** The same for who cannot wait. @throws as {@link readPlain} does */
export function readPlainSync(path: string, most: number): Buffer {
  const fd = openPlainSync(path, FLAGS);
  try {
    const buffer = roomFor(path, fstatSync(fd), most);
    let length = 0;
    while (length < buffer.length) {
      const count = readSync(fd, buffer, length, buffer.length - length, null);
      if (count === 0) break;
      length += count;
    }
    return bounded(path, buffer, length, most);
  } finally {
    closeSync(fd);
  }
}

/** Opens a plain file with these flags. @throws NotPlainError, and as the file system does */
export function openPlainSync(path: string, flags: number, mode?: number): number {
  let fd: number;
  try {
    fd = openSync(path, flags | O_NOFOLLOW | O_NONBLOCK, mode);
  } catch (error) {
    return named(path)(error);
  }
  if (fstatSync(fd).isFile()) return fd;
  closeSync(fd);
  throw new NotPlainError(path);
}

/** What the kernel says of a link, a folder, a socket, and of a FIFO that nobody reads. */
const odd = new Set(['ELOOP', 'EISDIR', 'ENXIO', 'ENODEV']);

function named(path: string): (error: unknown) => never {
  return error => {
    throw odd.has((error as NodeJS.ErrnoException).code ?? '') ? new NotPlainError(path) : error;
  };
}

/** Room for what a file may grow by while it is read, and for one byte that tells that it is too large. */
function roomFor(path: string, { size }: Stats, most: number): Buffer {
  if (size > most) throw new TooLargeError(path, size, most);
  return Buffer.allocUnsafe(Math.min(most, size + GROWTH) + 1);
}

/** Bytes that a file may grow by while it is read. */
const GROWTH = 1 << 16;

function bounded(path: string, buffer: Buffer, length: number, most: number): Buffer {
  if (length > most) throw new TooLargeError(path, length, most);
  return buffer.subarray(0, length);
}
