/** The folder of the host that workers write their results into. */
import { chmod, chown, mkdir } from 'node:fs/promises';
import { FtcError } from '../errors.ts';
import type { LoadedJob } from '../job/load.ts';

/**
 * Makes it where it is not there, so that the workers can write it: as theirs where that is allowed, otherwise open to everyone but for
 * removing what others wrote. One that is there stays as it is.
 */
export async function makeOutputs({ job, user }: LoadedJob): Promise<void> {
  const dir = job.outputs?.dir;
  if (dir == null) return;
  try {
    await mkdir(dir);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return;
    throw new FtcError('FTC_CANNOT_WRITE', `outputs ${dir} cannot be made: ${(error as Error).message}`, {
      hint: 'Make it yourself, so that the workers can write it, or name another folder.',
      cause: error,
    });
  }
  const [uid = 0, gid = 0] = user.split(':').map(Number);
  if (process.getuid?.() === uid) return;
  try {
    await chown(dir, uid, gid);
  } catch {
    await chmod(dir, 0o1777);
  }
}
