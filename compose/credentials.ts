/**
 * How a service logs in at S3. What is rendered are names: of variables that Compose takes from its own environment (or
 * `.env`), or of a file that it mounts as a secret. Never a value.
 */
import { secretOf } from '../src/job/s3.ts';
import { hostPath, type Place } from './place.ts';

/** What AWS calls them; its SDKs and boto3 read them by themselves. */
const credentialVariables = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'] as const;
const secretsMount = '/run/secrets';

export interface Credentials {
  /** To be added to the service's environment; null hands over what Compose's own environment has, or nothing. */
  readonly environment: Readonly<Record<string, string | null>>;
  /** Names for the service's `secrets`. */
  readonly secrets: readonly string[];
  /** For the project's `secrets`. One that a Compose file of somebody else's defines is not in it. */
  readonly definitions: Readonly<Record<string, { readonly file: string }>>;
}

/**
 * @param credentials absolute path of an AWS credentials file, `secret:NAME`, or null for the environment
 * @param name what the file's secret is called in the project, such as `checkpoint-s3`
 */
export function credentialsFor(credentials: string | null, name: string, place: Place): Credentials {
  if (credentials === null) {
    const passed = credentialVariables.map(variable => [variable, null] as const);
    return { environment: Object.fromEntries(passed), secrets: [], definitions: {} };
  }
  const secret = secretOf(credentials);
  return {
    environment: { AWS_SHARED_CREDENTIALS_FILE: `${secretsMount}/${secret ?? name}` },
    secrets: [secret ?? name],
    definitions: secret === null ? { [name]: { file: hostPath(place, credentials) } } : {},
  };
}
