/** Writes a file so that its name never stands for half of it. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Writable } from 'node:stream';
import { cannotWrite } from '../disk/cannot-write.ts';
import { FtcError } from '../errors.ts';

export interface WriteOptions {
  /** What is there under the name is replaced. */
  readonly force: boolean;
  readonly signal: AbortSignal;
}

/**
 * Has `write` fill a hidden file in the same directory; gives that the name when `write` has returned. Nothing is left of it otherwise.
 * @throws FtcError FTC_FILE_EXISTS, FTC_CANNOT_WRITE, and whatever `write` throws
 */
export async function writeBeside(
  path: string,
  { force, signal }: WriteOptions,
  write: (sink: Writable) => Promise<void>,
): Promise<void> {
  // Nobody can put a link there before: the name is drawn, and nothing that is there is opened.
  const beside = join(dirname(path), `.${basename(path)}.ftc-${randomBytes(6).toString('hex')}`);
  // Durable before it is closed, and closed before it has the name.
  const sink = createWriteStream(beside, { flush: true, flags: 'wx' });
  let failed: unknown = null;
  sink.on('error', error => (failed ??= cannotWrite(path, error)));
  try {
    await once(sink, 'open');
    await write(sink);
    signal.throwIfAborted();
    const there = await stat(path).catch(() => null);
    if (there && !force) throw new FtcError('FTC_FILE_EXISTS', `${path} exists by now; it was left as it is`);
    await rename(beside, path);
  } catch (error) {
    sink.destroy();
    await rm(beside, { force: true });
    throw failed ?? error;
  }
}
