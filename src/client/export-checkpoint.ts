/** A checkpoint on its way out of the volume: what arrives is compared with the manifest, byte for byte. */
import { createHash } from 'node:crypto';
import { type Readable, Transform, type TransformCallback, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { pack } from 'tar-stream';
import { type Manifest, ManifestError, parseManifest } from '../checkpoint/manifest.ts';
import { MANIFEST, nameOf } from '../checkpoint/names.ts';
import { FtcError } from '../errors.ts';
import type { CheckpointClient } from './checkpoint-client.ts';
import { text } from './http.ts';

export interface ExportOptions {
  readonly client: CheckpointClient;
  readonly step: number;
  /** Called with the bytes of each piece of data. */
  readonly onBytes: (bytes: number) => void;
}

export interface Fetched {
  readonly manifest: Manifest;
  /** As it is in the volume. */
  readonly manifestText: string;
}

/** @throws FtcError FTC_CHECKPOINT_DAMAGED */
export async function fetchManifest({
  client,
  step,
}: Pick<ExportOptions, 'client' | 'step'>): Promise<Fetched> {
  const manifestText = await text(await client.file(step, MANIFEST));
  try {
    return { manifest: parseManifest(Buffer.from(manifestText)), manifestText };
  } catch (error) {
    if (error instanceof ManifestError) throw damaged(step, error.message);
    throw error;
  }
}

/** Writes `state.pt` and ends `sink`. @throws FtcError FTC_CHECKPOINT_DAMAGED, and as the sink does */
export async function exportState(o: ExportOptions, { manifest }: Fetched, sink: Writable): Promise<void> {
  await pipeline(await data(o, manifest, 'state.pt'), sink);
}

/**
 * Writes a tar with the checkpoint's directory: the manifest, and then every file. Ends `sink`.
 * @throws FtcError FTC_CHECKPOINT_DAMAGED, and as the sink does
 */
export async function exportTar(
  o: ExportOptions,
  { manifest, manifestText }: Fetched,
  sink: Writable,
): Promise<void> {
  const tar = pack();
  const mtime = new Date(Number.isNaN(Date.parse(manifest.createdAt)) ? 0 : manifest.createdAt);
  const name = (file: string): string => `${nameOf(o.step)}/${file}`;
  const fill = async (): Promise<void> => {
    tar.entry({ name: name(MANIFEST), mtime }, manifestText);
    for (const [file, { bytes: size }] of Object.entries(manifest.files)) {
      const source = await data(o, manifest, file);
      await pipeline(source, tar.entry({ name: name(file), size, mtime }));
    }
    tar.finalize();
  };
  const filled = fill().catch((error: unknown) => {
    tar.destroy(error as Error);
    throw error;
  });
  for (const result of await Promise.allSettled([filled, pipeline(tar, sink)])) {
    if (result.status === 'rejected') throw result.reason as Error;
  }
}

async function data(
  { client, step, onBytes }: ExportOptions,
  { files }: Manifest,
  name: string,
): Promise<Readable> {
  const said = files[name];
  if (said === undefined) throw damaged(step, `its manifest names no ${name}`);
  const source = await client.file(step, name);
  const check = new Check(said, reason => damaged(step, `${name} ${reason}`), onBytes);
  // An answer that is cut off must not look like its end.
  source.on('error', error => check.destroy(error));
  return source.pipe(check);
}

/** Passes on what comes, and fails at the end of what is not as it should be. */
class Check extends Transform {
  readonly #hash = createHash('sha256');
  readonly #said: { readonly bytes: number; readonly sha256: string };
  readonly #wrong: (reason: string) => Error;
  readonly #onBytes: (bytes: number) => void;
  #bytes = 0;

  constructor(
    said: { readonly bytes: number; readonly sha256: string },
    wrong: (reason: string) => Error,
    onBytes: (bytes: number) => void,
  ) {
    super();
    this.#said = said;
    this.#wrong = wrong;
    this.#onBytes = onBytes;
  }

  override _transform(part: Buffer, _: BufferEncoding, done: TransformCallback): void {
    this.#hash.update(part);
    this.#bytes += part.length;
    this.#onBytes(part.length);
    done(null, part);
  }

  override _flush(done: TransformCallback): void {
    const { bytes, sha256 } = this.#said;
    if (this.#bytes !== bytes) return done(this.#wrong(`has ${this.#bytes} bytes instead of ${bytes}`));
    const fits = this.#hash.digest('hex') === sha256;
    done(fits ? null : this.#wrong('does not have the SHA-256 of its manifest'));
  }
}

export function damaged(step: number, reason: string): FtcError {
  return new FtcError('FTC_CHECKPOINT_DAMAGED', `the checkpoint of step ${step} is damaged: ${reason}`, {
    hint: '"ftc checkpoints verify" looks at all, and says which could be taken instead.',
  });
}
