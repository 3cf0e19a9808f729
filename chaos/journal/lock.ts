/** One chaos run at a time on a job: a file that is made only where there is none, and says whose it is. */
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
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

/** @throws FtcError FTC_ALREADY_RUNNING while another one holds it. @returns what lets go of it */
export function takeLock(path: string, owner: Owner): () => void {
  const text = JSON.stringify(owner);
  for (;;) {
    try {
      writeFileSync(path, text, { flag: 'wx' });
      return () => release(path, text);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const held = readLock(path);
    // Another machine's count as alive.
    if (held !== null && isAlive(held) !== false) throw refusal(held, path);
    setAside(path, held);
  }
}

/** Who holds it; null where nobody does, or nobody can tell. */
export function readLock(path: string): Owner | null {
  try {
    return Owner.parse(JSON.parse(readFileSync(path, 'utf8')));
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
function setAside(path: string, dead: Owner | null): void {
  const aside = `${path}.${process.pid}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  const taken = readLock(aside);
  if (taken !== null && taken.run !== dead?.run) linkSync(aside, path);
  rmSync(aside);
}

function release(path: string, text: string): void {
  try {
    if (readFileSync(path, 'utf8') === text) rmSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
