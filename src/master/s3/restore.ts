/** An empty volume is filled with the newest checkpoint in the bucket that verifies. */
import { MANIFEST } from '../../checkpoint/names.ts';
import { type Bucket, Missing, type Stored } from './bucket.ts';
import { Damaged, place, sweep } from './volume.ts';

export interface RestoreOptions {
  readonly bucket: Bucket;
  readonly job: string;
  readonly directory: string;
  /** Bytes of the checkpoint that are here, as they come. */
  readonly progress: (step: number, bytes: number, total: number) => void;
  /** Those that were found damaged before, with the reason, and now; a restore that breaks off need not read them again. */
  readonly bad: Map<string, string>;
  /** Since when those are listed whose manifest the store does not give; of a store's list that is late, or its objects. */
  readonly missing: Map<number, number>;
  /** Milliseconds. */
  readonly now: number;
  /** One that does not verify; the next older is taken. */
  readonly damaged: (stored: Stored, reason: string) => void;
}

/** The store lists a checkpoint that it does not give yet. */
class NotYet extends Error {
  override readonly name = 'NotYet';
}

/** So long is waited for one that is listed and not given; then it counts as removed. */
const LATE_MS = 15_000;

/** There are checkpoints, and none of them verifies. */
export class NoneVerifies extends Error {
  override readonly name = 'NoneVerifies';
}

/**
 * The step that is in the volume now, and its bytes; null where the bucket holds none.
 * @throws NoneVerifies, NotYet, and as the store and the file system do
 */
export async function restore(o: RestoreOptions): Promise<{ step: number; bytes: number } | null> {
  await sweep(o.directory);
  const complete = (await o.bucket.list()).filter(({ files }) => files.has(MANIFEST));
  const reasons: string[] = [];
  for (const stored of complete) {
    const what = [...stored.files.values()].map(({ key, etag }) => `${key} ${etag}`).join('\n');
    try {
      if (!o.bad.has(what)) return await fetch(o, stored);
    } catch (error) {
      if (!(error instanceof Damaged)) throw error;
      if (error instanceof Missing) {
        const since = o.missing.get(stored.step) ?? o.now;
        o.missing.set(stored.step, since);
        if (o.now - since < LATE_MS) throw new NotYet(`step ${stored.step} is listed and not given out`);
        continue;
      }
      o.damaged(stored, error.message);
      o.bad.set(what, error.message);
    }
    reasons.push(`step ${stored.step}: ${o.bad.get(what)}`);
  }
  if (reasons.length > 0) throw new NoneVerifies(reasons.join('; '));
  return null;
}

async function fetch(o: RestoreOptions, stored: Stored): Promise<{ step: number; bytes: number }> {
  const { step } = stored;
  const { manifest, text } = await o.bucket.manifest(stored, o.job);
  const total = Object.values(manifest.files).reduce((sum, file) => sum + file.bytes, 0);
  let done = 0;
  o.progress(step, 0, total);
  const counted = async function* (body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const piece of body) {
      done += piece.length;
      o.progress(step, done, total);
      yield piece;
    }
  };
  await place(o.directory, manifest, text, file => counted(o.bucket.read(step, file)));
  return { step, bytes: total };
}
