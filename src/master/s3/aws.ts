/** The object store behind AWS's SDK, which also speaks to servers that are like S3. Loaded only by a job that asks for it. */
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  AbortMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  S3Client,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { now } from '../../shared/clock.ts';
import { NotS3 } from './answer.ts';
import { authorities } from './authorities.ts';
import type { S3Config } from './config.ts';
import { isAnswer, isLacking } from './failure.ts';
import { logIn } from './login.ts';
import { refuseOthers } from './refuse-others.ts';
import type { Secrets } from './secrets.ts';
import type { ObjectStore, StoredObject } from './store.ts';
import { confirm, type Head, matches, type Probe } from './stored.ts';

/** S3 takes no more parts, and no smaller ones. */
const MOST_PARTS = 10_000;
const PART = 8 * 2 ** 20;
/** Parts on their way at a time: so many are in memory. */
const AT_ONCE = 2;
const CONNECT_MS = 5000;
const IDLE_MS = 30_000;

export function openStore(config: S3Config, secrets: Secrets): ObjectStore {
  // Which Node the SDK's later versions will want is no news in a job's log.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
  return new AwsStore(config, secrets);
}

class AwsStore implements ObjectStore {
  readonly where: string;
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #ending = new AbortController();

  constructor({ endpoint, region, pathStyle, bucket, login, caBundle }: S3Config, secrets: Secrets) {
    this.where = endpoint === null ? `s3.${region}.amazonaws.com` : new URL(endpoint).host;
    this.#bucket = bucket;
    this.#client = new S3Client({
      region,
      ...(endpoint !== null && { endpoint }),
      forcePathStyle: pathStyle,
      credentials: () => logIn(login, secrets),
      // The signature has the SHA-256 of each part already. Many stores that are like S3 refuse the newer headers.
      ...(endpoint !== null && {
        requestChecksumCalculation: 'WHEN_REQUIRED' as const,
        responseChecksumValidation: 'WHEN_REQUIRED' as const,
      }),
      requestHandler: {
        connectionTimeout: CONNECT_MS,
        socketTimeout: IDLE_MS,
        ...(caBundle !== null && { httpsAgent: { ca: authorities(caBundle) } }),
      },
      followRegionRedirects: true,
    });
    refuseOthers(this.#client);
  }

  async list(prefix: string): Promise<StoredObject[]> {
    const found: StoredObject[] = [];
    const tokens = new Set<string>();
    let ContinuationToken: string | undefined;
    do {
      const page = await this.#client.send(
        new ListObjectsV2Command({ Bucket: this.#bucket, Prefix: prefix, ContinuationToken }),
        this.#options,
      );
      for (const { Key, Size, ETag } of page.Contents ?? [])
        if (Key !== undefined) found.push({ key: Key, bytes: Size ?? 0, etag: ETag ?? '' });
      ContinuationToken = page.IsTruncated ? page.NextContinuationToken : undefined;
      if (page.IsTruncated && (ContinuationToken === undefined || tokens.has(ContinuationToken)))
        throw new NotS3('its list of objects does not go on where it ends (ListObjectsV2 is needed)', 200);
      tokens.add(ContinuationToken ?? '');
    } while (ContinuationToken !== undefined);
    return found;
  }

  async put(key: string, pieces: AsyncIterable<Buffer>, bytes: number, sha256: string): Promise<void> {
    const at = { Bucket: this.#bucket, Key: key };
    const body = Readable.from(pieces, { objectMode: false });
    const upload = new Upload({
      client: this.#client,
      params: { ...at, Body: body, ContentLength: bytes, Metadata: { sha256 } },
      partSize: Math.max(PART, Math.ceil(bytes / MOST_PARTS)),
      queueSize: AT_ONCE,
      abortController: this.#ending,
    });
    try {
      await upload.done();
    } finally {
      body.destroy();
    }
    await confirm(key, { bytes, sha256 }, this.#probe(key));
  }

  async holds(key: string, bytes: number, sha256: string): Promise<boolean> {
    try {
      return (await matches({ bytes, sha256 }, this.#probe(key))) === 'same';
    } catch (error) {
      if (isAnswer(error)) return false;
      throw error;
    }
  }

  async get(key: string): Promise<AsyncIterable<Uint8Array> | null> {
    try {
      const { Body } = await this.#client.send(
        new GetObjectCommand({ Bucket: this.#bucket, Key: key }),
        this.#options,
      );
      return (Body as Readable | undefined) ?? null;
    } catch (error) {
      const { name, $metadata } = error as { name?: string; $metadata?: { httpStatusCode?: number } };
      const missing = name === 'NoSuchKey' || ($metadata?.httpStatusCode === 404 && name !== 'NoSuchBucket');
      if (missing) return null;
      throw error;
    }
  }

  async remove(key: string): Promise<void> {
    await this.#client.send(new DeleteObjectCommand({ Bucket: this.#bucket, Key: key }), this.#options);
  }

  async abortUploads(prefix: string, test: (key: string) => boolean): Promise<number> {
    let count = 0;
    let marker: Marker = {};
    for (;;) {
      const page: Listed = await this.#client.send(
        new ListMultipartUploadsCommand({ Bucket: this.#bucket, Prefix: prefix, ...marker }),
        this.#options,
      );
      for (const { Key, UploadId } of page.Uploads ?? []) {
        if (Key === undefined || UploadId === undefined || !Key.startsWith(prefix) || !test(Key)) continue;
        await this.#client.send(
          new AbortMultipartUploadCommand({ Bucket: this.#bucket, Key, UploadId }),
          this.#options,
        );
        count += 1;
      }
      const { KeyMarker, UploadIdMarker } = marker;
      marker = { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker };
      // A page that does not say where it goes on would come again for ever.
      const same = marker.KeyMarker === KeyMarker && marker.UploadIdMarker === UploadIdMarker;
      if (page.IsTruncated !== true || same) return count;
    }
  }

  close(): void {
    this.#ending.abort();
    this.#client.destroy();
  }

  #probe(key: string): Probe {
    return {
      head: () => this.#head(key),
      read: () => this.get(key),
      sleep: ms => sleep(ms, undefined, { signal: this.#ending.signal }),
      now,
    };
  }

  async #head(key: string): Promise<Head | 'absent' | 'useless'> {
    try {
      const command = new HeadObjectCommand({ Bucket: this.#bucket, Key: key });
      const { ContentLength, Metadata } = await this.#client.send(command, this.#options);
      return { bytes: ContentLength ?? null, sha256: Metadata?.['sha256'] ?? null };
    } catch (error) {
      if (isLacking(error)) return 'useless';
      if (isAnswer(error)) return 'absent';
      throw error;
    }
  }

  get #options(): { abortSignal: AbortSignal } {
    return { abortSignal: this.#ending.signal };
  }
}

interface Marker {
  readonly KeyMarker?: string | undefined;
  readonly UploadIdMarker?: string | undefined;
}

interface Listed {
  readonly Uploads?:
    readonly { readonly Key?: string | undefined; readonly UploadId?: string | undefined }[] | undefined;
  readonly IsTruncated?: boolean | undefined;
  readonly NextKeyMarker?: string | undefined;
  readonly NextUploadIdMarker?: string | undefined;
}
