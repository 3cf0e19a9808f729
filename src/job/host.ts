/** What a job needs of the host's files, looked at before anything starts. */
import { userId } from '../shared/names.ts';
import { closeSync, openSync, readFileSync, readSync, realpathSync, statSync, type Stats } from 'node:fs';
import { dirname } from 'node:path';
import { FtcError } from '../errors.ts';
import { saveAsUtf8, wideEncoding } from '../shared/utf8.ts';
import { shortPath } from './file.ts';
import { builtinOf, builtinPrefix, builtins, type Job } from './job.ts';
import { secretOf } from './s3.ts';
import { leadsOut } from './script-link.ts';

/** The user of master and workers in their images. */
export const containerUser = `${userId}:${userId}`;

/**
 * Looks at script, dataset, checkpoint directory, credentials and certificates.
 * @returns the user that master and workers run as
 */
export function checkHost({ script, data, dataset, checkpoint, hooks }: Job, cwd: string): string {
  const user = checkpoint.dir === null ? containerUser : ownerOf(checkpoint.dir, cwd);
  if (builtinOf(script) === null) checkScript(script, user, cwd);
  const { s3 } = checkpoint;
  if (s3?.credentials != null) checkCredentials(s3.credentials, 'checkpoint.s3.credentials', user, cwd);
  if (s3?.caBundle != null) checkBundle(s3.caBundle, 'checkpoint.s3.caBundle', user, cwd);
  if (data?.s3?.caBundle != null) checkBundle(data.s3.caBundle, 'data.s3.caBundle', user, cwd);
  if (data?.s3?.credentials != null) checkCredentials(data.s3.credentials, 'data.s3.credentials', user, cwd);
  if (hooks.caBundle !== null) checkBundle(hooks.caBundle, 'hooks.caBundle', user, cwd);
  if (dataset !== null) directory(dataset, 'dataset', cwd);
  return user;
}

function checkScript(script: string, user: string, cwd: string): void {
  const name = shortPath(script, cwd);
  const file = look(script);
  if (!file?.isFile())
    throw new FtcError(
      'FTC_SCRIPT_MISSING',
      `the training script ${name} ${file ? 'is not a file' : 'does not exist'}`,
      {
        hint: `Name one that does (script: in the job file, or --script), write one with "ftc init", or use ${builtins.map(one => builtinPrefix + one).join(' or ')}.`,
      },
    );
  checkEncoding(script, name);
  if (leadsOut(script)) {
    const real = shortPath(realpathSync(script), cwd);
    throw new FtcError(
      'FTC_SCRIPT_MISSING',
      `the training script ${name} is a link that leads out of its folder, to ${real}: the workers see that folder and nothing else`,
      { hint: `Copy the script into the folder, or name it where it is: --script "${real}"` },
    );
  }
  // Elsewhere the engine runs in a virtual machine that does not show the host's owners and modes.
  if (process.platform !== 'linux') return;
  const folder = statSync(dirname(script));
  if (!readable(file, user, 0o4) || !readable(folder, user, 0o5))
    throw new FtcError('FTC_SCRIPT_MISSING', `the workers cannot read the training script ${name}`, {
      hint: `They run as user ${user}. Allow it: chmod o+rX "${shortPath(dirname(script), cwd)}" "${name}"`,
    });
}

/** Python reads most encodings, by a mark or a comment, but none with zero bytes. */
function checkEncoding(script: string, name: string): void {
  const wide = wideEncoding(firstBytes(script));
  if (wide !== null)
    throw new FtcError(
      'FTC_USAGE',
      `the training script ${name} is written in ${wide}: Python cannot run it`,
      {
        hint: saveAsUtf8,
      },
    );
}

/** None where the user of this command may not read what the workers may. */
function firstBytes(path: string): Uint8Array {
  const bytes = Buffer.alloc(64);
  try {
    const file = openSync(path, 'r');
    try {
      return bytes.subarray(0, readSync(file, bytes));
    } finally {
      closeSync(file);
    }
  } catch {
    return bytes.subarray(0, 0);
  }
}

/** Nothing of it is secret, or it is no bundle: a private key in it would be shown to everybody in the job. */
function checkBundle(bundle: string, key: string, user: string, cwd: string): void {
  const name = shortPath(bundle, cwd);
  const file = look(bundle);
  const wrong = (what: string, hint: string): FtcError =>
    new FtcError('FTC_USAGE', `${key} ${name} ${what}`, { hint });
  const form = 'It holds the certificates of the authorities to trust: -----BEGIN CERTIFICATE----- …';
  if (!file?.isFile()) throw wrong(file ? 'is not a file' : 'does not exist', form);
  const text = textOf(bundle);
  if (
    text === null ||
    (process.platform === 'linux' && !readable(file, user, 0o4) && (file.mode & 0o040) === 0)
  )
    throw wrong(
      'cannot be read by all who need it',
      `The containers run as user ${user}. Allow it: chmod a+r "${name}"`,
    );
  if (text.includes('PRIVATE KEY-----'))
    throw wrong('holds a private key, which the containers must not have', 'Keep only its certificates.');
  if (!text.includes('-----BEGIN CERTIFICATE-----')) throw wrong('holds no certificate in PEM form', form);
}

function textOf(path: string): string | null {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return null;
  }
}

/** Mounted as it is: whoever runs in the container must be able to read it. `key` names it in errors. */
function checkCredentials(credentials: string, key: string, user: string, cwd: string): void {
  if (secretOf(credentials) !== null) return;
  const name = shortPath(credentials, cwd);
  const file = look(credentials);
  if (!file?.isFile())
    throw new FtcError('FTC_USAGE', `${key} ${name} ${file ? 'is not a file' : 'does not exist'}`, {
      hint: 'It is an AWS credentials file: [default], aws_access_key_id = …, aws_secret_access_key = …',
    });
  // A group's right may be that of an access list, which only the kernel can judge.
  if (process.platform !== 'linux' || readable(file, user, 0o4) || (file.mode & 0o040) !== 0) return;
  throw new FtcError('FTC_USAGE', `the containers cannot read ${key} ${name}`, {
    hint: `They run as user ${user}. Allow that one, and nobody else: setfacl -m u:${user.split(':')[0]}:r "${name}"`,
  });
}

function readable({ uid, gid, mode }: Stats, user: string, bits: number): boolean {
  const [wantedUid, wantedGid] = user.split(':').map(Number);
  const shift = uid === wantedUid ? 6 : gid === wantedGid ? 3 : 0;
  return ((mode >> shift) & bits) === bits;
}

/** `uid:gid` of who owns a checkpoint directory. @throws FtcError FTC_USAGE where there is none, or it is root's */
export function ownerOf(dir: string, cwd: string): string {
  const { uid, gid } = directory(dir, 'checkpoint.dir', cwd);
  if (uid === 0)
    throw new FtcError(
      'FTC_USAGE',
      `checkpoint.dir ${shortPath(dir, cwd)} belongs to root, and no worker runs as root`,
      {
        hint: `Give it to another user: chown -R ${containerUser} "${shortPath(dir, cwd)}"`,
      },
    );
  return `${uid}:${gid}`;
}

function directory(path: string, key: string, cwd: string): Stats {
  const stats = look(path);
  const name = shortPath(path, cwd);
  if (!stats)
    throw new FtcError('FTC_USAGE', `${key} ${name} does not exist`, { hint: `Make it: mkdir -p "${name}"` });
  if (!stats.isDirectory()) throw new FtcError('FTC_USAGE', `${key} ${name} is not a directory`);
  return stats;
}

function look(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}
