/** What went wrong at S3, as one line for people, and what that means for the next try. Pure. */
import { NotS3 } from './answer.ts';
import { NoBundle } from './authorities.ts';
import { tlsProblem } from './certificate.ts';

export interface Failure {
  /**
   * `unreachable`: no answer, or one that says later. `refused`: an answer that says no. `unfit`: what is there is no S3 store, lacks
   * what copying needs, or cannot be trusted. `local`: our own disk.
   */
  readonly kind: 'unreachable' | 'refused' | 'unfit' | 'local';
  readonly text: string;
  /** Waiting cannot help: what is missing does not come while this process lives. */
  readonly hopeless: boolean;
}

/** There is nothing to log in with. */
export class NoCredentials extends Error {
  override readonly name = 'NoCredentials';
  readonly hopeless: boolean;

  constructor(message: string, hopeless: boolean) {
    super(message);
    this.hopeless = hopeless;
  }
}

/** What was stored is not what was sent. */
export class NotStored extends Error {
  override readonly name = 'NotStored';
}

interface Known {
  readonly name?: string;
  readonly message?: string;
  readonly code?: string;
  readonly syscall?: string;
  readonly path?: string;
  readonly errors?: readonly unknown[];
  readonly cause?: unknown;
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly $response?: { readonly statusCode?: number };
}

const words: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'it refuses the connection',
  ECONNRESET: 'it closed the connection',
  EPIPE: 'it closed the connection',
  ETIMEDOUT: 'it does not answer',
  EHOSTUNREACH: 'there is no way to it',
  ENETUNREACH: 'there is no way to it',
  ENOTFOUND: 'its name is not known',
  EAI_AGAIN: 'its name is not known now',
  TimeoutError: 'it does not answer in time',
  NetworkingError: 'the connection failed',
};

/** What S3-compatible servers say when asking again as somebody else, or elsewhere, is what helps. */
const login: Readonly<Record<string, string>> = {
  InvalidAccessKeyId: 'it does not know the access key',
  SignatureDoesNotMatch: 'the secret key is not the one of the access key',
  AccessDenied: 'the credentials do not allow this',
  Forbidden: 'the credentials do not allow this',
  ExpiredToken: 'the credentials have expired',
  InvalidToken: 'it does not take the session token',
  RequestTimeTooSkewed: 'the clocks differ by too much',
  NoSuchBucket: 'there is no such bucket',
  PermanentRedirect: 'the bucket is in another region',
  AuthorizationHeaderMalformed: 'the region is not the one of the bucket',
};

/**
 * @param where host of the server
 * @param hide takes out what nobody may read
 */
export function explain(error: unknown, where: string, hide: (text: string) => string): Failure {
  const e = root(error);
  const status = e.$metadata?.httpStatusCode ?? e.$response?.statusCode;
  const made = (kind: Failure['kind'], text: string, hopeless = false): Failure => ({
    kind,
    text: oneLine(hide(text)),
    hopeless,
  });
  if (error instanceof NoCredentials) return made('refused', error.message, error.hopeless);
  if (error instanceof NoBundle) return made('refused', error.message);
  if (error instanceof NotStored) return made('unreachable', `${where}: ${error.message}`);
  if (error instanceof NotS3)
    return made(error.status >= 500 ? 'unreachable' : 'unfit', `${where}: ${error.message}`);
  if (e.path !== undefined && e.syscall !== undefined)
    return made(
      'local',
      `${e.path}: ${e.code === 'ENOSPC' ? 'no space left on the disk' : (e.code ?? e.message ?? e.syscall)}`,
    );
  const name = e.name ?? 'Error';
  if (status !== undefined) {
    const known = login[name];
    if (known !== undefined) return made('refused', `${where}: ${known} (${name})`);
    if (isLacking(e))
      return made(
        'unfit',
        `${where}: this store does not implement what was asked of it (${answered(status, e)})`,
      );
    if (status < 300 && UNREADABLE.test(`${name} ${e.message}`))
      return made(
        'unfit',
        `${where}: what it answers cannot be read as S3's (status ${status}: ${e.message})`,
      );
    const says = status >= 400 && status < 500 && status !== 408 && status !== 429;
    return made(says ? 'refused' : 'unreachable', `${where} answers ${answered(status, e)}`);
  }
  const untrusted = tlsProblem(e.code, e.message);
  if (untrusted !== null) return made('unfit', `${where}: ${untrusted} (${e.code})`);
  const code = e.code ?? name;
  const plain = words[code] ?? words[name];
  return made('unreachable', `${where}: ${plain === undefined ? (e.message ?? name) : `${plain} (${code})`}`);
}

/**
 * Why an object is of no use although the server answers, whoever asks, and however often; null for any other error. What has
 * rotted in the store does not have the checksum that the store has for it, which only the SDK's words tell.
 */
export function unusable(error: unknown): string | null {
  const { name, message = '' } = root(error);
  if (message.startsWith('Checksum mismatch')) return 'does not have the checksum that it was stored with';
  return name === 'InvalidObjectState' ? 'is in an archive, from which S3 does not give it out' : null;
}

/** The SDK's words for an answer that it cannot read. */
const UNREADABLE =
  /SyntaxError|Deserialization|Unexpected (token|end)|is not expected|[Uu]nclosed|[Ii]nvalid (XML|closing tag)/;

/** `503 SlowDown: reduce your rate`. */
function answered(status: number, { name = 'Error', message = '' }: Known): string {
  const called = /^(Error|Unknown|UnknownError)$/.test(name) ? '' : ` ${name}`;
  return `${status}${called}${message === '' || message === name || message === 'UnknownError' ? '' : `: ${message}`}`;
}

const statusOf = (error: unknown): number | undefined => {
  const e = root(error);
  return e.$metadata?.httpStatusCode ?? e.$response?.statusCode;
};

/** The store has no such thing, whoever asks, and however often. */
export function isLacking(error: unknown): boolean {
  const status = statusOf(error);
  return status === 501 || status === 405 || (status !== undefined && root(error).name === 'NotImplemented');
}

/** A store answered, and said no. */
export function isAnswer(error: unknown): boolean {
  const status = statusOf(error);
  if (status === undefined || error instanceof NotS3) return false;
  return isLacking(error) || (status >= 400 && status < 500 && status !== 408 && status !== 429);
}

/** The error that says most: of several addresses that were tried the first, and of a wrapped one what is inside. */
function root(error: unknown): Known {
  const e = (typeof error === 'object' && error !== null ? error : { message: String(error) }) as Known;
  const inner =
    e.errors?.[0] ??
    (e.code === undefined && e.$metadata?.httpStatusCode === undefined ? e.cause : undefined);
  return inner === undefined || inner === error ? e : root(inner);
}

const oneLine = (text: string): string =>
  text
    .replaceAll(/[\s\p{Cc}\p{Cf}]+/gu, ' ')
    .trim()
    .slice(0, 300);
