/** What can be known of the login at S3 before anything starts. The master says the rest. */
import { FtcError } from '../errors.ts';
import { dotEnv } from '../job/dot-env.ts';
import type { LoadedJob } from '../job/load.ts';
import { secretOf } from '../job/s3.ts';

type Env = Readonly<Record<string, string | undefined>>;

/**
 * A line about credentials that are missing: training does not need them. Null where none are, or none are needed.
 * @throws FtcError where Compose would not start the job
 */
export function s3Login({ job, projectDir }: LoadedJob, env: Env = process.env): string | null {
  const { s3 } = job.checkpoint;
  if (s3 === null) return null;
  const secret = s3.credentials === null ? null : secretOf(s3.credentials);
  if (secret !== null)
    throw new FtcError(
      'FTC_USAGE',
      `checkpoint.s3.credentials is the Compose secret "${secret}", which a Compose file of yours defines, and "ftc up" reads none`,
      {
        hint: 'Name the file itself (credentials: ./path), or "ftc config > docker-compose.yml" and "docker compose -f docker-compose.yml -f yours.yml up".',
      },
    );
  if (s3.credentials !== null) return null;
  const all = { ...dotEnv(projectDir), ...env };
  const missing = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'].filter(name => !all[name]);
  if (missing.length === 0) return null;
  return `no credentials for S3: ${missing.join(' and ')} ${missing.length === 1 ? 'is' : 'are'} not set, and checkpoint.s3.credentials names no file. The job trains, and nothing is copied.`;
}
