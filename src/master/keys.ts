/**
 * The job's secret, and what the members get of it. The secret is made once and stays in the master's own volume; each role's key
 * goes into a volume that, besides the master, only containers of that role mount. So none of it is in a rendered file or in an
 * environment, and `docker compose up` without ftc has it, too.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, fchmodSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { KEY_FILE } from '../protocol/key-file.ts';
import { MasterKeys, type MemberRole, roles } from '../protocol/membership-proof.ts';
import { readPlainSync } from '../shared/plain-file.ts';

const SECRET_FILE = 'secret';
const BYTES = 32;

export interface KeyFolders {
  /** The master's own. */
  readonly state: string;
  readonly keys: Readonly<Record<MemberRole, string>>;
}

/**
 * Reads the secret, or makes one; a new one makes all links be made anew. Writes each role's key where it is another one.
 *
 * @param replaced is told why a new secret was made where a file was there already
 * @returns the keys, and whether the secret was made just now
 * @throws as the file system does
 */
export function openKeys(
  folders: KeyFolders,
  replaced: (why: string) => void = () => undefined,
): { readonly keys: MasterKeys; readonly made: boolean } {
  const found = readSecret(folders.state, replaced);
  const keys = new MasterKeys(found ?? newSecret(folders.state));
  for (const role of roles) put(folders.keys[role], keys, role);
  return { keys, made: found === null };
}

function readSecret(folder: string, replaced: (why: string) => void): Buffer | null {
  try {
    const text = readPlainSync(join(folder, SECRET_FILE), 2 * BYTES + 1).toString('latin1');
    if (/^[0-9a-f]{64}\n$/.test(text)) return Buffer.from(text, 'hex');
    replaced('its file is damaged');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // The job may run as another user than it did, as its checkpoints' owner.
    if (code !== 'ENOENT') replaced(`its file cannot be read (${code})`);
  }
  return null;
}

function newSecret(folder: string): Buffer {
  const secret = randomBytes(BYTES);
  write(folder, SECRET_FILE, `${secret.toString('hex')}\n`, 0o600);
  return secret;
}

function put(folder: string, keys: MasterKeys, role: MemberRole): void {
  const text = `${JSON.stringify(keys.memberKey(role))}\n`;
  let found = '';
  try {
    found = readPlainSync(join(folder, KEY_FILE), 4096).toString('utf8');
  } catch {
    // Whatever lies there is replaced.
  }
  // The members may run as another user; nobody but them mounts the volume.
  if (found !== text) write(folder, KEY_FILE, text, 0o444);
}

/** Whole or not at all, and never through what somebody else has put there. */
function write(folder: string, name: string, text: string, mode: number): void {
  const next = join(folder, `.${name}-${randomBytes(8).toString('hex')}`);
  try {
    const fd = openSync(next, 'wx', 0o600);
    try {
      fchmodSync(fd, mode);
      writeSync(fd, text);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(next, join(folder, name));
  } catch (error) {
    rmSync(next, { force: true });
    throw error;
  }
}
