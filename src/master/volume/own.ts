/** Files of a job that are written again and again, and belong to another user after somebody has copied them. */
import { constants } from 'node:fs';
import { access, chmod, copyFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isDenied } from '../../checkpoint/examine.ts';
import { sync } from '../../shared/sync.ts';

/** From the job's own folder. */
export const KEPT_FILES = ['metrics.jsonl', '.lock', 'once.jsonl', 'returned.json', 'trail.jsonl'];

/**
 * Puts a copy of the job's own in the place of a plain file that it may read, and not write. Only before training starts: who has the
 * file open writes to the old one.
 */
export async function replaceUnwritable(path: string): Promise<void> {
  try {
    return await access(path, constants.W_OK);
  } catch (error) {
    if (!isDenied(error)) throw error;
  }
  const copy = `${path}.own`;
  await rm(copy, { force: true, recursive: true });
  try {
    await copyFile(path, copy, constants.COPYFILE_EXCL);
    await chmod(copy, 0o644);
    await sync(copy);
    await rename(copy, path);
  } catch (error) {
    await rm(copy, { force: true });
    throw error;
  }
  await sync(dirname(path));
}
