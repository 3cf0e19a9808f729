/** Where the workers read shards from, and where they keep them: `ftc.ShardedDataset` in the script. */

export interface Data {
  /** How much the volume for shards may hold, such as `2g`. */
  readonly cache: string;
  /** Null where nothing is read from a bucket. */
  readonly s3: DataS3 | null;
}

interface DataS3 {
  /** Null is AWS. */
  readonly endpoint: string | null;
  /** Null is what boto3 finds, or us-east-1. */
  readonly region: string | null;
  /** Absolute path of an AWS credentials file, or `secret:NAME`; null is the environment. */
  readonly credentials: string | null;
  /** Absolute path of a file with the authorities that the server's certificate is trusted by; null is those that boto3 knows. */
  readonly caBundle: string | null;
}

export const dataDefaults = { cache: '10g' } as const;

export function fillData(said: Said): Data {
  const { cache, s3 } = said;
  return { cache: cache ?? dataDefaults.cache, s3: s3 == null ? null : { ...nothing, ...defined(s3) } };
}

const nothing: DataS3 = { endpoint: null, region: null, credentials: null, caBundle: null };

interface Said {
  readonly cache?: string | undefined;
  readonly s3?: { readonly [K in keyof DataS3]?: DataS3[K] | undefined } | null | undefined;
}

function defined(said: NonNullable<Said['s3']>): Partial<DataS3> {
  return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
}
