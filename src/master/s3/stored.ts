/**
 * Whether a store has an object as it was sent. Stores answer HEAD late, not at all, or forget what was told beside the object;
 * then the object itself is read. Who waits and asks is given, so that a test needs no time.
 */
import { createHash } from 'node:crypto';
import { NotStored } from './failure.ts';

export interface Expected {
  readonly bytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

/** What HEAD says of an object; null for what it does not say. */
export interface Head {
  readonly bytes: number | null;
  readonly sha256: string | null;
}

export interface Probe {
  /** `absent`: 404, 403 or another no, which may be over in a moment. `useless`: this store has no HEAD. */
  head(): Promise<Head | 'absent' | 'useless'>;
  /** The object's bytes; null where there is none. */
  read(): Promise<AsyncIterable<Uint8Array> | null>;
  sleep(ms: number): Promise<void>;
  /** Milliseconds. */
  now(): number;
}

/** So long a store may take to tell of an object that it took. */
const LATE_MS = 20_000;
/** So long HEAD may say something else before the object is read. */
const HEAD_MS = 5000;
const FIRST_WAIT_MS = 250;
const MOST_WAIT_MS = 2000;

/** @throws NotStored where the store took it and does not have it, and as the store does */
export async function confirm(name: string, expected: Expected, probe: Probe): Promise<void> {
  const began = probe.now();
  for (let wait = FIRST_WAIT_MS; ; wait = Math.min(2 * wait, MOST_WAIT_MS)) {
    const head = await probe.head();
    if (typeof head !== 'string' && head.bytes === expected.bytes && head.sha256 === expected.sha256) return;
    const late = probe.now() - began >= HEAD_MS;
    const found = late || tellsNothing(head, expected) ? await matches(expected, probe) : null;
    if (found === 'same') return;
    if (probe.now() - began + wait > LATE_MS) {
      const what = found === 'absent' ? 'is not there after it was sent' : 'is not there as it was sent';
      throw new NotStored(`${name} ${what}`);
    }
    await probe.sleep(wait);
  }
}

/** What is there now, by its bytes. @throws as the store does */
export async function matches(
  { bytes, sha256 }: Expected,
  probe: Pick<Probe, 'read'>,
): Promise<'same' | 'other' | 'absent'> {
  const body = await probe.read();
  if (body === null) return 'absent';
  const hash = createHash('sha256');
  let count = 0;
  for await (const piece of body) {
    hash.update(piece);
    count += piece.length;
    if (count > bytes) break;
  }
  return count === bytes && hash.digest('hex') === sha256 ? 'same' : 'other';
}

/** Waiting does not make such an answer say more. */
function tellsNothing(head: Head | 'absent' | 'useless', { bytes }: Expected): boolean {
  if (typeof head === 'string') return head === 'useless';
  return head.sha256 === null && (head.bytes === null || head.bytes === bytes);
}
