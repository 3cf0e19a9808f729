/** Reads files and hashes them, a little at a time: whoever shares the event loop is not kept waiting. */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { openPlain } from '../shared/plain-file.ts';

/** One read. Hashing that much is the longest that the event loop stands still. Bytes. */
export const CHUNK = 256 * 1024;
/** A reader that is ahead of its rate by less than this goes on. Milliseconds. */
const SLACK_MS = 20;

export interface ReadOptions {
  readonly signal?: AbortSignal | undefined;
  /** Bytes a second, at most; without it as fast as it goes. */
  readonly rate?: number | undefined;
  /** Called with the bytes of each read. */
  readonly onRead?: ((bytes: number) => void) | undefined;
}

export interface Hashed {
  readonly bytes: number;
  readonly sha256: string;
}

/** @throws as the file system does, and an AbortError */
export async function hashFile(path: string, { signal, rate, onRead }: ReadOptions = {}): Promise<Hashed> {
  const file = await openPlain(path);
  try {
    const hash = createHash('sha256');
    const buffer = Buffer.allocUnsafe(CHUNK);
    const began = performance.now();
    let bytes = 0;
    for (;;) {
      signal?.throwIfAborted();
      const { bytesRead } = await file.read(buffer, 0, CHUNK, null);
      if (bytesRead === 0) return { bytes, sha256: hash.digest('hex') };
      hash.update(buffer.subarray(0, bytesRead));
      bytes += bytesRead;
      onRead?.(bytesRead);
      const ahead = rate === undefined ? 0 : began + (bytes / rate) * 1000 - performance.now();
      if (ahead > SLACK_MS) await sleep(ahead, undefined, { signal });
    }
  } finally {
    await file.close();
  }
}
