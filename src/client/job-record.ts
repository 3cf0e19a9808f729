/** What a folder keeps about a job that was started from it: `<folder>/.ftc/<name>.job.json`. Moves along with the folder. */
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, open, readdir, readFile, realpath, rename, stat, writeFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { z } from 'zod';
import { ownFiles } from '../disk/own-files.ts';
import { makeOwnFolder, ownFolder } from '../disk/own-folder.ts';
import { builtinOf } from '../job/job.ts';
import type { LoadedJob } from '../job/load.ts';
import type { Here, JobRecord } from './ownership.ts';

/** Such a file has some hundred bytes. */
const MOST = 64 << 10;

const Stored = z.object({ id: z.string().min(1), folder: z.string().min(1), script: z.string() });

/** @throws FtcError FTC_NOT_TRUSTED where `.ftc` is not the user's own */
export async function whoIsHere({ job, projectDir }: LoadedJob): Promise<Here> {
  const folder = await realpath(projectDir);
  const record = parsed(ownFolder(folder).read(ownFiles.record(job.name)));
  return {
    folder,
    script: scriptFrom(projectDir, job.script),
    record,
    copied: record !== null && (await isCopy(record, folder, job.name)),
    traces: await hasTraces(folder, job.name),
  };
}

/** @throws FtcError FTC_NOT_TRUSTED, FTC_CANNOT_WRITE */
export function writeRecord(name: string, record: JobRecord): void {
  makeOwnFolder(record.folder).write(ownFiles.record(name), toText(record));
}

/** Of any folder. Null for what is not there, or is not what {@link writeStored} wrote. */
export async function readStored(path: string): Promise<JobRecord | null> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    try {
      const stats = await file.stat();
      if (!stats.isFile() || stats.size > MOST) return null;
      return parsed(await file.readFile('utf8'));
    } finally {
      await file.close();
    }
  } catch {
    return null;
  }
}

/** Never through a link, and whole or not at all. */
export async function writeStored(path: string, record: JobRecord): Promise<void> {
  const next = `${path}.${randomUUID()}`;
  await writeFile(next, toText(record), { flag: 'wx', mode: 0o644 });
  await rename(next, path);
}

const toText = (record: JobRecord): string => `${JSON.stringify(record, null, 2)}\n`;

function parsed(text: string | null): JobRecord | null {
  try {
    return text === null ? null : Stored.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

/** Is this the folder at `other`, by whatever path? False where there is nothing. */
export async function isSameFolder(folder: string, other: string): Promise<boolean> {
  const [a, b] = await Promise.all([folder, other].map(path => stat(path).catch(() => null)));
  return a != null && b != null && a.ino === b.ino && a.dev === b.dev;
}

/** A folder that was moved is not where it was; one that was copied is, with the same record in it. */
async function isCopy(record: JobRecord, folder: string, name: string): Promise<boolean> {
  if (record.folder === folder || (await isSameFolder(folder, record.folder))) return false;
  return (await readStored(join(ownFolder(record.folder).path, ownFiles.record(name))))?.id === record.id;
}

function scriptFrom(folder: string, script: string): string {
  return builtinOf(script) === null ? relative(folder, script).split(sep).join('/') : script;
}

/** What `ftc up` saved here before there were records, or a Compose file that ftc rendered for the job. */
async function hasTraces(folder: string, name: string): Promise<boolean> {
  const saved = await lstat(join(ownFolder(folder).path, ownFiles.project(name))).catch(() => null);
  if (saved?.isFile()) return true;
  const files = await readdir(folder).catch(() => []);
  for (const file of files.filter(one => /^(docker-)?compose.*\.ya?ml$/.test(one))) {
    const text = await readFile(join(folder, file), 'utf8').catch(() => '');
    if (text.includes(`io.ftc.job: ${name}\n`)) return true;
  }
  return false;
}
