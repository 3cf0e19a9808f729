/** What a master finds when it starts: its journal, and whether the job can be trained on its volume at all. */
import { existsSync } from 'node:fs';
import { relative } from 'node:path';
import type { CheckpointPolicy } from '../../checkpoint/policy.ts';
import { Manager } from '../../checkpoint/manager.ts';
import { expendable, prunable } from '../../checkpoint/retention.ts';
import { journalFile, type Entry } from '../journal.ts';
import { isNewRun } from '../resume.ts';
import { findObstacle, obstacleOf } from './look.ts';
import { replaceUnwritable } from './own.ts';
import { type FoundJournal, ownJournal } from './own-journal.ts';
import type { OwnPlace } from './own-place.ts';
import type { VolumePlace, VolumeTrouble } from '../../api/volume.ts';

export interface OpenedVolume {
  readonly entries: readonly Entry[];
  /** Lines of the journal that say nothing. */
  readonly skipped: number;
  /** The first number of the journal that no job reaches, and where it stands. */
  readonly poisoned: string | undefined;
  /** The journal's file. */
  readonly path: string;
  /** Why no training can start on it; null where it can. */
  readonly trouble: VolumeTrouble | null;
  /** The journal could not be read: nobody knows but the workers whether the job is under way. */
  readonly blind: boolean;
}

export interface OpenOptions {
  readonly job: string;
  readonly mount: string;
  readonly policy: CheckpointPolicy;
  readonly place: VolumePlace;
  readonly own: OwnPlace;
  /** This container's name: another one than the journal's means that training starts. */
  readonly container: string;
}

/**
 * Looks at the volume where training is about to start. A master that comes back to a job under way does not: whatever became of the
 * disk meanwhile, the job goes on.
 */
export async function openVolume(o: OpenOptions): Promise<OpenedVolume> {
  const { directory } = o.policy;
  const { folder, place, first, trouble } = o.own;
  if (trouble !== null) return { ...nothing(folder), blind: false, trouble };
  const user = `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`;
  let journal: FoundJournal;
  try {
    journal = ownJournal(folder, first ? directory : null);
    // The job may run as another user than it did, as its checkpoints' owner.
    if (existsSync(journalFile(folder))) await replaceUnwritable(journalFile(folder));
  } catch (error) {
    const obstacle = obstacleOf(error, path => relative(folder, path));
    return { ...nothing(folder), blind: true, trouble: { job: o.job, place, obstacle, user } };
  }
  const fine = { ...journal, trouble: null, blind: false };
  if (!isNewRun(journal.entries, o.container)) return fine;
  const obstacle = await findObstacle({ mount: o.mount, directory });
  if (obstacle === null || (await hasRoomToMake(o, obstacle.problem.kind))) return fine;
  return { ...fine, trouble: { job: o.job, place: o.place, obstacle, user } };
}

const nothing = (folder: string): FoundJournal => ({
  entries: [],
  skipped: 0,
  poisoned: undefined,
  path: journalFile(folder),
});

/** On a full disk an old checkpoint goes when a new one is due. */
async function hasRoomToMake({ job, policy }: OpenOptions, kind: string): Promise<boolean> {
  if (kind !== 'full' && kind !== 'noInodes') return false;
  const rows = await new Manager(policy, job).list();
  return prunable(rows, policy).length > 0 || expendable(rows, policy) !== null;
}
