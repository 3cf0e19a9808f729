/** What the master is told of the bucket. */
import { toSeconds } from '../src/job/duration.ts';
import type { Job } from '../src/job/job.ts';
import { type Bundle, bundleFor } from './ca-bundle.ts';
import { credentialsFor, type Credentials } from './credentials.ts';
import { literal } from './literal.ts';
import type { Place } from './place.ts';

export function s3Environment({ checkpoint: { s3 } }: Job): Record<string, string> {
  if (s3 === null) return {};
  return {
    FTC_S3_BUCKET: s3.bucket,
    FTC_S3_PREFIX: s3.prefix,
    ...(s3.endpoint !== null && { FTC_S3_ENDPOINT: literal(s3.endpoint) }),
    FTC_S3_REGION: s3.region,
    FTC_S3_PATH_STYLE: String(s3.pathStyle),
    ...(s3.keep !== null && { FTC_S3_KEEP: String(s3.keep) }),
    ...(s3.keepEvery !== null && { FTC_S3_KEEP_EVERY: String(s3.keepEvery) }),
    FTC_S3_RESTORE_TIMEOUT: toSeconds(s3.restoreTimeout),
  };
}

const none: Credentials = { environment: {}, secrets: [], definitions: {} };

export function s3Credentials({ checkpoint: { s3 } }: Job, place: Place): Credentials {
  return s3 === null ? none : credentialsFor(s3.credentials, 'checkpoint-s3', place);
}

export function s3Bundle({ checkpoint: { s3 } }: Job, place: Place): Bundle {
  return bundleFor(s3?.caBundle ?? null, 'checkpoint-s3', place);
}
