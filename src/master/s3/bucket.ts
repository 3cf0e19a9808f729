/** The job's part of the bucket: which checkpoints are there, copying one, removing one. */
import { createHash } from 'node:crypto';
import { type Manifest, MAX_MANIFEST_BYTES, parseManifest } from '../../checkpoint/manifest.ts';
import { MANIFEST } from '../../checkpoint/names.ts';
import { unusable } from './failure.ts';
import { keyOf, parseKey } from './keys.ts';
import type { ObjectStore, StoredObject } from './store.ts';
import { Damaged, type LocalStep, verified } from './volume.ts';

/** A manifest that is listed and that the store does not give: it was removed, or is not everywhere yet. */
export class Missing extends Damaged {}

/** A checkpoint in the bucket: its objects by file name. */
export interface Stored {
  readonly step: number;
  readonly files: ReadonlyMap<string, StoredObject>;
}

export interface RemoteManifest {
  readonly manifest: Manifest;
  readonly text: Buffer;
}

export interface Manner {
  /** A manifest is there already: it goes first, so that a copy that breaks off is none. */
  readonly replaces: boolean;
  /** A part of it may be there: what is there with the right bytes is not sent again. */
  readonly again: boolean;
}

export class Bucket {
  readonly #store: ObjectStore;
  readonly #base: string;

  constructor(store: ObjectStore, base: string) {
    this.#store = store;
    this.#base = base;
  }

  /** Newest first, incomplete ones too. Other objects are not looked at. */
  async list(): Promise<Stored[]> {
    const steps = new Map<number, Map<string, StoredObject>>();
    for (const object of await this.#store.list(this.#base)) {
      const parsed = parseKey(this.#base, object.key);
      if (parsed === null) continue;
      const files = steps.get(parsed.step) ?? new Map<string, StoredObject>();
      steps.set(parsed.step, files.set(parsed.file, object));
    }
    return [...steps].map(([step, files]) => ({ step, files })).sort((a, b) => b.step - a.step);
  }

  /** Ends what a master before this one had begun to send. Their number. */
  abortUploads(): Promise<number> {
    return this.#store.abortUploads(this.#base, key => parseKey(this.#base, key) !== null);
  }

  /** @throws Damaged where it is none of this job and step, or an object has another size than it says */
  async manifest({ step, files }: Stored, job: string): Promise<RemoteManifest> {
    const text = await this.#whole(step, MANIFEST);
    let manifest: Manifest;
    try {
      manifest = parseManifest(text);
    } catch (error) {
      throw new Damaged((error as Error).message);
    }
    if (manifest.job !== job) throw new Damaged(`it belongs to the job ${JSON.stringify(manifest.job)}`);
    if (manifest.step !== step) throw new Damaged(`its manifest is of step ${manifest.step}`);
    for (const [name, { bytes }] of Object.entries(manifest.files)) {
      const object = files.get(name);
      if (object === undefined) throw new Damaged(`${name} is missing`);
      if (object.bytes !== bytes) throw new Damaged(`${name} has ${object.bytes} bytes instead of ${bytes}`);
    }
    return { manifest, text };
  }

  /** A file's bytes, as they come. @throws Damaged where it is gone, or the store itself has it damaged */
  async *read(step: number, file: string): AsyncGenerator<Uint8Array> {
    try {
      const body = await this.#store.get(keyOf(this.#base, step, file));
      if (body === null) throw new (file === MANIFEST ? Missing : Damaged)(`${file} is missing`);
      yield* body;
    } catch (error) {
      const why = unusable(error);
      throw why === null ? error : new Damaged(`${file} ${why}`);
    }
  }

  /**
   * Copies one, its manifest last. Returns what is there now; its tags are not known.
   * @throws Damaged where it is not what its manifest says, here
   */
  async copy(directory: string, local: LocalStep, { replaces, again }: Manner): Promise<Stored> {
    const { step, manifest, text } = local;
    const sent = new Map<string, StoredObject>();
    const keep = (name: string, bytes: number): string => {
      const key = keyOf(this.#base, step, name);
      sent.set(name, { key, bytes, etag: '' });
      return key;
    };
    if (replaces) await this.#store.remove(keyOf(this.#base, step, MANIFEST));
    for (const [name, { bytes, sha256 }] of Object.entries(manifest.files)) {
      const key = keep(name, bytes);
      if (again && (await this.#store.holds(key, bytes, sha256))) continue;
      await this.#store.put(key, verified(directory, local, name), bytes, sha256);
    }
    const sha256 = createHash('sha256').update(text).digest('hex');
    await this.#store.put(keep(MANIFEST, text.length), pieces(text), text.length, sha256);
    return { step, files: sent };
  }

  /** Removes one, its manifest first. */
  async remove({ files }: Stored): Promise<void> {
    const first = files.get(MANIFEST);
    if (first !== undefined) await this.#store.remove(first.key);
    for (const { key } of files.values()) if (key !== first?.key) await this.#store.remove(key);
  }

  async #whole(step: number, file: string): Promise<Buffer> {
    const parts: Uint8Array[] = [];
    let bytes = 0;
    for await (const part of this.read(step, file)) {
      parts.push(part);
      bytes += part.length;
      if (bytes > MAX_MANIFEST_BYTES) throw new Damaged(`${file} has more than ${MAX_MANIFEST_BYTES} bytes`);
    }
    return Buffer.concat(parts);
  }
}

async function* pieces(text: Buffer): AsyncGenerator<Buffer> {
  yield await Promise.resolve(text);
}
