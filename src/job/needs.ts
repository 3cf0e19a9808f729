/** Looks, before anything starts, at what a script is to get of the host's files. */
import { createHash } from 'node:crypto';
import { readFileSync, statSync, type Stats } from 'node:fs';
import { dirname } from 'node:path';
import { FtcError } from '../errors.ts';
import { envFileProblems } from './env-file.ts';
import { shortPath } from './file.ts';
import type { Job } from './job.ts';
import { requirementsProblems } from './requirements.ts';
import type { Volume } from './volumes.ts';

export interface Needs {
  /** SHA-256 of the requirements file, in hex; null where the job has none. */
  readonly requirements: string | null;
}

/**
 * @param user `uid:gid` of the workers
 * @throws FtcError FTC_USAGE about the first thing that is not as it must be
 */
export function checkNeeds(job: Job, user: string, cwd: string): Needs {
  if (job.envFile !== null) checkEnvFile(job.envFile, cwd);
  for (const volume of job.volumes) checkVolume(volume, user, cwd);
  if (job.outputs?.dir != null) checkOutputs(job.outputs.dir, user, cwd);
  return { requirements: job.requirements === null ? null : checkRequirements(job.requirements, cwd) };
}

function checkEnvFile(path: string, cwd: string): void {
  const problems = envFileProblems(readText(path, 'envFile', cwd));
  if (problems.length === 0) return;
  const name = shortPath(path, cwd);
  throw new FtcError(
    'FTC_USAGE',
    problems.map(({ line, message }) => `envFile ${name}:${line} ${message}`).join('\n'),
  );
}

function checkRequirements(path: string, cwd: string): string {
  const text = readText(path, 'requirements', cwd);
  const name = shortPath(path, cwd);
  const problems = requirementsProblems(text);
  if (problems.length > 0)
    throw new FtcError(
      'FTC_USAGE',
      problems.map(({ line, message }) => `requirements ${name}:${line}: ${message}`).join('\n'),
      {
        hint: 'Only this one file is there when the image is built. Put the lines of other files into it; code of your own belongs in the folder of the script, or in volumes.',
      },
    );
  return createHash('sha256').update(text).digest('hex');
}

function checkVolume({ source, writable }: Volume, user: string, cwd: string): void {
  const name = shortPath(source, cwd);
  const stats = look(source);
  if (!stats)
    throw new FtcError('FTC_USAGE', `the volume ${name} does not exist`, {
      hint: `The source of a volume is a folder or a file of the host. Make it: mkdir -p "${name}"`,
    });
  const bits = stats.isDirectory() ? (writable ? 0o7 : 0o5) : writable ? 0o6 : 0o4;
  if (allowed(stats, user, bits)) return;
  const mode = `o+r${writable ? 'w' : ''}${stats.isDirectory() ? 'X' : ''}`;
  throw new FtcError('FTC_USAGE', `the workers cannot ${writable ? 'write' : 'read'} the volume ${name}`, {
    hint: `They run as user ${user}. Allow that one: setfacl -m u:${user.split(':')[0]}:${mode.slice(2)} "${name}"; or everyone: chmod ${mode} "${name}"`,
  });
}

function checkOutputs(dir: string, user: string, cwd: string): void {
  const name = shortPath(dir, cwd);
  const stats = look(dir);
  if (!stats) {
    if (look(dirname(dir))?.isDirectory()) return; // made when the job starts
    throw new FtcError(
      'FTC_USAGE',
      `outputs ${name} does not exist, nor does the folder that it would be made in`,
      {
        hint: `Make it: mkdir -p "${name}"`,
      },
    );
  }
  if (!stats.isDirectory()) throw new FtcError('FTC_USAGE', `outputs ${name} is not a directory`);
  if (allowed(stats, user, 0o7)) return;
  throw new FtcError('FTC_USAGE', `the workers cannot write to outputs ${name}`, {
    hint: `They run as user ${user}. Allow that one: setfacl -m u:${user.split(':')[0]}:rwx "${name}"; or everyone: chmod 1777 "${name}"`,
  });
}

/** A group's right may be that of an access list, which only the kernel can judge. */
function allowed({ uid, gid, mode }: Stats, user: string, bits: number): boolean {
  // Elsewhere the engine runs in a virtual machine that does not show the host's owners and modes.
  if (process.platform !== 'linux') return true;
  const [wantedUid, wantedGid] = user.split(':').map(Number);
  const has = (shift: number): boolean => ((mode >> shift) & bits) === bits;
  if (uid === wantedUid) return has(6);
  return (gid === wantedGid ? has(3) : has(0)) || has(3);
}

function readText(path: string, key: string, cwd: string): string {
  const name = shortPath(path, cwd);
  const stats = look(path);
  if (!stats?.isFile())
    throw new FtcError('FTC_USAGE', `${key} ${name} ${stats ? 'is not a file' : 'does not exist'}`, {
      hint: 'The path is relative to the job file; that of a flag to the working directory.',
    });
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new FtcError('FTC_USAGE', `${key} ${name} cannot be read: ${(cause as Error).message}`, { cause });
  }
}

function look(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}
