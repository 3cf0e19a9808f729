/** Removes checkpoints so that a crash at any moment leaves them whole or gone, and who reads one is not misled. */
import { readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { sync } from '../shared/sync.ts';
import type { Catalogue } from './catalogue.ts';
import { isDenied } from './examine.ts';
import { GONE } from './names.ts';
import { prunable, type Retention } from './retention.ts';
import type { CheckpointRow } from '../api/checkpoint-row.ts';

let counter = 0;

/**
 * Takes the name away first, for good, and then the files. Those who have a file open read on.
 * @returns false where it is gone already, or `LATEST` names it by now
 */
export async function removeCheckpoint(catalogue: Catalogue, name: string): Promise<boolean> {
  const { directory } = catalogue;
  if ((await catalogue.latest()) === name) return false;
  counter += 1;
  const gone = join(directory, `${GONE}${name}-${process.pid}-${counter}`);
  try {
    await rename(join(directory, name), gone);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
  await sync(directory);
  await rm(gone, { recursive: true, force: true });
  return true;
}

/** Removes what an interrupted {@link removeCheckpoint} left. Only while none is under way. */
async function sweepGone(directory: string): Promise<void> {
  const names = await readdir(directory).catch(() => []);
  for (const name of names.filter(one => one.startsWith(GONE))) {
    // What only another user may remove keeps nothing else from being removed.
    await rm(join(directory, name), { recursive: true, force: true }).catch((error: unknown) => {
      if (!isDenied(error)) throw error;
    });
  }
}

/** Removes what retention lets go, oldest first. `written`: {@link prunable}. Returns what is gone. */
export async function prune(
  catalogue: Catalogue,
  retention: Retention,
  written: number | null = null,
): Promise<CheckpointRow[]> {
  await sweepGone(catalogue.directory);
  const removed = [];
  for (const row of prunable(await catalogue.list(), retention, written)) {
    if (await removeCheckpoint(catalogue, row.name)) removed.push(row);
  }
  return removed;
}
