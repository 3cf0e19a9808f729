/** Where checkpoints are copied to. */

export interface S3 {
  /** Null is AWS. */
  readonly endpoint: string | null;
  readonly bucket: string;
  /** Without `/` at its ends; empty for none. */
  readonly prefix: string;
  readonly region: string;
  readonly pathStyle: boolean;
  /** How many are kept there; null is as many as in the volume. */
  readonly keep: number | null;
  /** Every so-many-th checkpoint stays there; null is as in the volume. */
  readonly keepEvery: number | null;
  /** Milliseconds that it may be out of reach, with an empty volume, before the job starts without it. */
  readonly restoreTimeout: number;
  /** Absolute path of an AWS credentials file, or `secret:NAME`; null is the environment. */
  readonly credentials: string | null;
  /** Absolute path of a file with the authorities that the server's certificate is trusted by; null is those that are known. */
  readonly caBundle: string | null;
}

export const s3Defaults = {
  endpoint: null,
  bucket: '',
  prefix: '',
  region: 'us-east-1',
  keep: null,
  keepEvery: null,
  restoreTimeout: 60_000,
  credentials: null,
  caBundle: null,
} as const satisfies Omit<S3, 'pathStyle'>;

const secretPrefix = 'secret:';

/** The name of the Compose secret that `credentials` asks for, or null when it is a path. */
export function secretOf(credentials: string): string | null {
  return credentials.startsWith(secretPrefix) ? credentials.slice(secretPrefix.length) : null;
}

/** What was said of S3, with defaults. `pathStyle` is what a server of one's own usually wants, and AWS does not. */
export function fillS3(said: Partial<Nullish<S3>>): S3 {
  const given = Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
  const filled = { ...s3Defaults, ...given } as Omit<S3, 'pathStyle'>;
  return { ...filled, pathStyle: said.pathStyle ?? filled.endpoint !== null };
}

type Nullish<T> = { [K in keyof T]: T[K] | null | undefined };
