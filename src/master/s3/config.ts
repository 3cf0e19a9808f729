/** The bucket that checkpoints are copied to, as the environment tells. docs/protocol.md has the table. */
import { z } from 'zod';

const whole = z.coerce.number().int().positive();

const Environment = z.object({
  FTC_S3_BUCKET: z.string().min(1),
  FTC_S3_PREFIX: z.string().default(''),
  FTC_S3_ENDPOINT: z.string().min(1).nullable().default(null),
  FTC_S3_REGION: z.string().min(1).default('us-east-1'),
  FTC_S3_PATH_STYLE: z.stringbool().default(false),
  FTC_S3_KEEP: whole.nullable().default(null),
  FTC_S3_KEEP_EVERY: whole.nullable().default(null),
  FTC_S3_RESTORE_TIMEOUT: z.coerce.number().nonnegative().default(60),
  AWS_ACCESS_KEY_ID: z.string().default(''),
  AWS_SECRET_ACCESS_KEY: z.string().default(''),
  AWS_SESSION_TOKEN: z.string().default(''),
  AWS_SHARED_CREDENTIALS_FILE: z.string().default(''),
  AWS_CA_BUNDLE: z.string().default(''),
});

export interface S3Config {
  readonly bucket: string;
  /** Every key of the job's begins with it; ends with `/`. */
  readonly base: string;
  /** Null is AWS. */
  readonly endpoint: string | null;
  readonly region: string;
  readonly pathStyle: boolean;
  /** Null is as in the volume. */
  readonly keep: number | null;
  readonly keepEvery: number | null;
  readonly restoreTimeoutMs: number;
  readonly login: Login;
  /** A file with the authorities that the server's certificate is trusted by; null is those that Node knows. */
  readonly caBundle: string | null;
}

/** Who logs in: a file that is read again whenever it is needed, or what the container was started with. */
export type Login =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'keys'; readonly id: string; readonly secret: string; readonly token: string };

/** Null for a job that asks for no copies. Throws a ZodError that names the variable. */
export function readS3Config(env: NodeJS.ProcessEnv, job: string): S3Config | null {
  if (!env['FTC_S3_BUCKET']) return null;
  const e = Environment.parse(env);
  const file = e.AWS_SHARED_CREDENTIALS_FILE;
  return {
    bucket: e.FTC_S3_BUCKET,
    base: e.FTC_S3_PREFIX === '' ? `${job}/` : `${e.FTC_S3_PREFIX}/${job}/`,
    endpoint: e.FTC_S3_ENDPOINT,
    region: e.FTC_S3_REGION,
    pathStyle: e.FTC_S3_PATH_STYLE,
    keep: e.FTC_S3_KEEP,
    keepEvery: e.FTC_S3_KEEP_EVERY,
    restoreTimeoutMs: e.FTC_S3_RESTORE_TIMEOUT * 1000,
    caBundle: e.AWS_CA_BUNDLE === '' ? null : e.AWS_CA_BUNDLE,
    login:
      file === ''
        ? {
            kind: 'keys',
            id: e.AWS_ACCESS_KEY_ID,
            secret: e.AWS_SECRET_ACCESS_KEY,
            token: e.AWS_SESSION_TOKEN,
          }
        : { kind: 'file', path: file },
  };
}
