/** One chaos run at a time on a job: a file that is made only where there is none, and says whose it is. */
import { basename, dirname } from 'node:path';
import { z } from 'zod';
import type { Folder } from '../../src/disk/folder.ts';
import { ownFolderAt } from '../../src/disk/own-folder.ts';
import { FtcError } from '../../src/errors.ts';
import { duration } from '../../src/shared/duration.ts';
import { isAlive, thisProcess } from '../../src/shared/process-id.ts';

const Owner = z.object({
  run: z.string(),
  host: z.string(),
  pid: z.int(),
  /** When that process began, as its kernel tells: another one may have the number by now. Null where that is not known. */
  began: z.string().nullable(),
  /** Milliseconds since the epoch. */
  since: z.number(),
  command: z.string(),
});
export type Owner = z.infer<typeof Owner>;

export const self = (run: string, command: string): Owner => ({
  run,
  ...thisProcess(),
  since: Date.now(),
  command,
});

/** @throws FtcError FTC_ALREADY_RUNNING while another one holds it, FTC_NOT_TRUSTED. @returns what lets go of it */
export function takeLock(path: string, owner: Owner): () => void {
  const [folder, name] = [ownFolderAt(dirname(path)), basename(path)];
  const text = JSON.stringify(owner);
  for (;;) {
    try {
      folder.create(name, text);
      return () => release(folder, name, text);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const held = readLock(path);
    // Another machine's count as alive.
    if (held !== null && isAlive(held) !== false) throw refusal(held, path);
    setAside(folder, name, held);
  }
}

/** Who holds it; null where nobody does, or nobody can tell. @throws FtcError FTC_NOT_TRUSTED */
export const readLock = (path: string): Owner | null => ownerIn(ownFolderAt(dirname(path)), basename(path));

function ownerIn(folder: Folder, name: string): Owner | null {
  const text = folder.read(name);
  try {
    return text === null ? null : Owner.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

function refusal(owner: Owner, path: string): FtcError {
  const ago = duration(Math.max(0, Date.now() - owner.since));
  return new FtcError(
    'FTC_ALREADY_RUNNING',
    `"${owner.command}" is breaking this job already: process ${owner.pid} on ${owner.host}, for ${ago}`,
    { hint: `Wait for its end, or end it with Ctrl+C. If it cannot be there any more, remove ${path}.` },
  );
}

/** Removes a dead one's, and only that: somebody may have been quicker and holds it now. */
function setAside(folder: Folder, name: string, dead: Owner | null): void {
  const aside = `${name}.${process.pid}`;
  try {
    folder.rename(name, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  const taken = ownerIn(folder, aside);
  if (taken !== null && taken.run !== dead?.run) folder.link(aside, name);
  folder.remove(aside);
}

function release(folder: Folder, name: string, text: string): void {
  if (folder.read(name) === text) folder.remove(name);
}
