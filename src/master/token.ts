/** Makes the token of the master's HTTP, and puts it where the job's owner finds it: src/shared/http-token.ts. */
import { randomBytes } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { TOKEN_FILE } from '../shared/http-token.ts';

/** @throws as the file system does */
export function makeToken(path = TOKEN_FILE): string {
  const token = randomBytes(32).toString('base64url');
  rmSync(path, { force: true });
  // `wx`: what somebody else put there meanwhile is neither written to nor followed.
  writeFileSync(path, `${token}\n`, { mode: 0o600, flag: 'wx' });
  return token;
}
