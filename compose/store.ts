/** A store that is like S3, beside the job that asks for it by `http://s3:9000`: to try copies of checkpoints, and shards. */
import { ftcLabels } from '../src/shared/names.ts';
import type { Job } from '../src/job/job.ts';
import { credentialsFor } from './credentials.ts';
import { literal, variable } from './literal.ts';
import type { Place } from './place.ts';
import { baseImage, build, common, type Service } from './services.ts';

/** What a job gives for an endpoint to have a store of its own. */
const endpoint = 'http://s3:9000';
/** The profile, the service, its volume and its role. */
export const storeName = 's3';
const port = 9000;

interface Asked {
  readonly bucket: string | null;
  /** Whose login the store takes. */
  readonly credentials: string | null;
  /** What the project calls them, where they are a file. */
  readonly secret: string;
}

/** Null where the job asks for no store. */
function asked({ checkpoint, data }: Job): Asked | null {
  const is = (url: string | null | undefined): boolean =>
    typeof url === 'string' && new URL(url).origin === endpoint;
  if (checkpoint.s3 !== null && is(checkpoint.s3.endpoint))
    return { ...checkpoint.s3, secret: 'checkpoint-s3' };
  if (!data?.s3 || !is(data.s3.endpoint)) return null;
  return { bucket: null, credentials: data.s3.credentials, secret: 'data-s3' };
}

/** Null for a job that does not ask for it. */
export function store(job: Job, place: Place): Service | null {
  const wanted = asked(job);
  if (wanted === null) return null;
  const { environment, secrets } = credentialsFor(wanted.credentials, wanted.secret, place);
  return {
    image: `ftc-s3:${place.version}`,
    build: build('s3', place, baseImage),
    profiles: [storeName],
    user: place.user,
    environment: { ...(wanted.bucket !== null && { FTC_S3_BUCKET: literal(wanted.bucket) }), ...environment },
    ...(secrets.length > 0 && { secrets }),
    ports: [`127.0.0.1:${variable('FTC_S3_PORT', '0')}:${port}`],
    volumes: [`${storeName}:/data`],
    restart: 'unless-stopped',
    ...common(job, storeName),
  };
}

/** Its objects, which outlive the checkpoints' volume: that is what they are for. */
export function storeVolume(job: Job): Service {
  return { labels: { [ftcLabels.job]: job.name, [ftcLabels.role]: storeName } };
}
