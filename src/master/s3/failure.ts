/** What went wrong at S3, as one line for people, and what that means for the next try. Pure. */

export interface Failure {
  /** `unreachable`: no answer, or one that says later. `refused`: an answer that says no. `local`: our own disk. */
  readonly kind: 'unreachable' | 'refused' | 'local';
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
  if (error instanceof NotStored) return made('unreachable', `${where}: ${error.message}`);
  if (e.path !== undefined && e.syscall !== undefined)
    return made(
      'local',
      `${e.path}: ${e.code === 'ENOSPC' ? 'no space left on the disk' : (e.code ?? e.message ?? e.syscall)}`,
    );
  const name = e.name ?? 'Error';
  if (status !== undefined) {
    const known = login[name];
    if (known !== undefined) return made('refused', `${where}: ${known} (${name})`);
    const said = `${where} answers ${status}${name === 'Error' || name === 'Unknown' ? '' : ` ${name}`}${e.message && e.message !== name ? `: ${e.message}` : ''}`;
    return made(
      status >= 400 && status < 500 && status !== 408 && status !== 429 ? 'refused' : 'unreachable',
      said,
    );
  }
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

/** The server answered, and said no. */
export const isRefusal = (error: unknown): boolean => explain(error, '', text => text).kind === 'refused';

/** The error that says most: of several addresses that were tried the first, and of a wrapped one what is inside. */
function root(error: unknown): Known {
  const e = (typeof error === 'object' && error !== null ? error : { message: String(error) }) as Known;
  const inner =
    e.errors?.[0] ??
    (e.code === undefined && e.$metadata?.httpStatusCode === undefined ? e.cause : undefined);
  return inner === undefined || inner === error ? e : root(inner);
}

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').trim().slice(0, 300);
