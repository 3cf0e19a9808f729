/** What the workers are told of shards: the volume that keeps them, and the bucket that they come from. */
import type { Job } from '../src/job/job.ts';
import { type Bundle, bundleFor } from './ca-bundle.ts';
import { credentialsFor, type Credentials } from './credentials.ts';
import { literal } from './literal.ts';
import type { Place } from './place.ts';

export const cacheVolume = 'cache';
const cacheMount = '/cache';

export function dataEnvironment({ data }: Job): Record<string, string> {
  if (data === null) return {};
  const { endpoint = null, region = null } = data.s3 ?? {};
  return {
    FTC_DATA_CACHE: cacheMount,
    FTC_DATA_CACHE_BYTES: data.cache,
    ...(endpoint !== null && { FTC_DATA_ENDPOINT: literal(endpoint) }),
    ...(region !== null && { FTC_DATA_REGION: region }),
  };
}

export function dataVolumes({ data }: Job): string[] {
  return data === null ? [] : [`${cacheVolume}:${cacheMount}`];
}

export function dataCredentials({ data }: Job, place: Place): Credentials {
  return data?.s3
    ? credentialsFor(data.s3.credentials, 'data-s3', place)
    : { environment: {}, secrets: [], definitions: {} };
}

export function dataBundle({ data }: Job, place: Place): Bundle {
  return bundleFor(data?.s3?.caBundle ?? null, 'data-s3', place);
}
