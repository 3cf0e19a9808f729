/** What faults work with, of one job; and where a job's journal may lie. */
import type { RunningJob } from '../src/runtime/job.ts';
import type { Replica } from '../src/runtime/replica.ts';
import { ownFolder } from '../src/disk/own-folder.ts';
import { FtcError } from '../src/errors.ts';
import type { World } from './faults/fault.ts';

/** @param say what takes its time, such as building what helpers are made from */
export const createWorld = (job: RunningJob, say: (line: string) => void): World => ({
  hands: job.hands,
  faults: job.faults(say),
});

/**
 * Beside the saved project; where that is not on this machine, here. Folders that are not the user's own are told and left out.
 * @throws FtcError FTC_NOT_TRUSTED where none is left
 */
export function journalFolders(
  replicas: readonly Replica[],
  say: (line: string) => void,
  cwd = process.cwd(),
): string[] {
  const known = replicas.map(r => r.folder).filter(folder => folder !== null);
  const refused: FtcError[] = [];
  const usable = [...new Set([...known, cwd])].filter(directory => {
    try {
      ownFolder(directory).exists();
      return true;
    } catch (error) {
      // Another user's, which we may not even look into, has nothing that we could put right.
      if (error instanceof FtcError) refused.push(error);
      else if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error;
      return false;
    }
  });
  const [first] = refused;
  if (usable.length === 0 && first !== undefined) throw first;
  for (const { message, hint } of refused) say(`${message}. ${hint ?? ''}`);
  return usable;
}
