/** What the store is logged in to with. */
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { fromIni } from '@aws-sdk/credential-provider-ini';
import type { Login } from './config.ts';
import { NoCredentials } from './failure.ts';
import type { Secrets } from './secrets.ts';

/** Of a credentials file. */
const PROFILE = 'default';

interface Identity {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** @throws NoCredentials that names what is missing, never what is there */
export async function logIn(login: Login, secrets: Secrets): Promise<Identity> {
  const identity = login.kind === 'keys' ? fromKeys(login) : await fromFile(login);
  secrets.add(identity.accessKeyId, identity.secretAccessKey, identity.sessionToken);
  return identity;
}

function fromKeys({ id, secret, token }: Extract<Login, { kind: 'keys' }>): Identity {
  const missing = [id === '' && 'AWS_ACCESS_KEY_ID', secret === '' && 'AWS_SECRET_ACCESS_KEY'].filter(
    Boolean,
  );
  if (missing.length > 0)
    throw new NoCredentials(
      `no credentials: ${missing.join(' and ')} ${missing.length > 1 ? 'were' : 'was'} not set where the job was started, and checkpoint.s3.credentials names no file`,
      true,
    );
  return { accessKeyId: id, secretAccessKey: secret, ...(token !== '' && { sessionToken: token }) };
}

async function fromFile({ path }: Extract<Login, { kind: 'file' }>): Promise<Identity> {
  try {
    await access(path, constants.R_OK);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
    throw new NoCredentials(
      `no credentials: ${path} cannot be read by user ${process.getuid?.() ?? '?'} (${code})`,
      false,
    );
  }
  try {
    return await fromIni({ filepath: path, profile: PROFILE, ignoreCache: true })();
  } catch {
    throw new NoCredentials(
      `no credentials: ${path} has no [${PROFILE}] with aws_access_key_id and aws_secret_access_key`,
      false,
    );
  }
}
