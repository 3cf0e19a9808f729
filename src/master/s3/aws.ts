/** The object store behind AWS's SDK, which also speaks to servers that are like S3. Loaded only by a job that asks for it. */
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  S3Client,
} from '@aws-sdk/client-s3';
import { fromIni } from '@aws-sdk/credential-provider-ini';
import { Upload } from '@aws-sdk/lib-storage';
import type { Login, S3Config } from './config.ts';
import { NoCredentials, NotStored } from './failure.ts';
import type { Secrets } from './secrets.ts';
import type { ObjectStore, StoredObject } from './store.ts';

/** S3 takes no more parts, and no smaller ones. */
const MOST_PARTS = 10_000;
const PART = 8 * 2 ** 20;
/** Parts on their way at a time: so many are in memory. */
const AT_ONCE = 2;
/** Of a credentials file. */
const PROFILE = 'default';
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

  constructor({ endpoint, region, pathStyle, bucket, login }: S3Config, secrets: Secrets) {
    this.where = endpoint === null ? `s3.${region}.amazonaws.com` : new URL(endpoint).host;
    this.#bucket = bucket;
    this.#client = new S3Client({
      region,
      ...(endpoint !== null && { endpoint }),
      forcePathStyle: pathStyle,
      credentials: () => logIn(login, secrets),
      requestHandler: { connectionTimeout: CONNECT_MS, socketTimeout: IDLE_MS },
      followRegionRedirects: true,
    });
  }

  async list(prefix: string): Promise<StoredObject[]> {
    const found: StoredObject[] = [];
    let ContinuationToken: string | undefined;
    do {
      const page = await this.#client.send(
        new ListObjectsV2Command({ Bucket: this.#bucket, Prefix: prefix, ContinuationToken }),
        this.#options,
      );
      for (const { Key, Size, ETag } of page.Contents ?? [])
        if (Key !== undefined) found.push({ key: Key, bytes: Size ?? 0, etag: ETag ?? '' });
      ContinuationToken = page.IsTruncated ? page.NextContinuationToken : undefined;
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
    const { ContentLength, Metadata } = await this.#client.send(new HeadObjectCommand(at), this.#options);
    if (ContentLength !== bytes || Metadata?.['sha256'] !== sha256)
      throw new NotStored(`${key} is not there as it was sent`);
  }

  async get(key: string): Promise<AsyncIterable<Uint8Array> | null> {
    try {
      const { Body } = await this.#client.send(
        new GetObjectCommand({ Bucket: this.#bucket, Key: key }),
        this.#options,
      );
      return (Body as Readable | undefined) ?? null;
    } catch (error) {
      if ((error as { name?: string }).name === 'NoSuchKey') return null;
      throw error;
    }
  }

  async remove(key: string): Promise<void> {
    await this.#client.send(new DeleteObjectCommand({ Bucket: this.#bucket, Key: key }), this.#options);
  }

  async abortUploads(prefix: string, test: (key: string) => boolean): Promise<number> {
    let count = 0;
    let marker: { KeyMarker?: string | undefined; UploadIdMarker?: string | undefined } | null = {};
    while (marker !== null) {
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
      marker = page.IsTruncated
        ? { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker }
        : null;
    }
    return count;
  }

  close(): void {
    this.#ending.abort();
    this.#client.destroy();
  }

  get #options(): { abortSignal: AbortSignal } {
    return { abortSignal: this.#ending.signal };
  }
}

interface Listed {
  readonly Uploads?:
    readonly { readonly Key?: string | undefined; readonly UploadId?: string | undefined }[] | undefined;
  readonly IsTruncated?: boolean | undefined;
  readonly NextKeyMarker?: string | undefined;
  readonly NextUploadIdMarker?: string | undefined;
}

interface Identity {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** @throws NoCredentials that names what is missing, never what is there */
async function logIn(login: Login, secrets: Secrets): Promise<Identity> {
  const identity = login.kind === 'keys' ? fromKeys(login) : await fromFile(login);
  secrets.add(identity.accessKeyId, identity.secretAccessKey, identity.sessionToken);
  return identity;
}

function fromKeys({ id, secret, token }: Extract<Login, { kind: 'keys' }>): Identity {
  const missing = [id === '' && 'AWS_ACCESS_KEY_ID', secret === '' && 'AWS_SECRET_ACCESS_KEY'].filter(
    Boolean,
  );
  if (missing.length > 0)
    throw new NoCredentials(
      `no credentials: ${missing.join(' and ')} ${missing.length > 1 ? 'were' : 'was'} not set where the job was started, and checkpoint.s3.credentials names no file`,
      true,
    );
  return { accessKeyId: id, secretAccessKey: secret, ...(token !== '' && { sessionToken: token }) };
}

async function fromFile({ path }: Extract<Login, { kind: 'file' }>): Promise<Identity> {
  try {
    await access(path, constants.R_OK);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
    throw new NoCredentials(
      `no credentials: ${path} cannot be read by user ${process.getuid?.() ?? '?'} (${code})`,
      false,
    );
  }
  try {
    return await fromIni({ filepath: path, profile: PROFILE, ignoreCache: true })();
  } catch {
    throw new NoCredentials(
      `no credentials: ${path} has no [${PROFILE}] with aws_access_key_id and aws_secret_access_key`,
      false,
    );
  }
}
