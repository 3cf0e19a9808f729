/** What a master finds in the volume when it starts: its journal, and whether the job can be trained on it at all. */
import type { CheckpointPolicy } from '../../checkpoint/policy.ts';
import { Manager } from '../../checkpoint/manager.ts';
import { expendable, prunable } from '../../checkpoint/retention.ts';
import { journalFolder, type Entry, type ReadJournal, readJournal } from '../journal.ts';
import { isNewRun } from '../resume.ts';
import { findObstacle, obstacleOf } from './look.ts';
import type { VolumePlace, VolumeTrouble } from './trouble.ts';

export interface OpenedVolume {
  readonly entries: readonly Entry[];
  /** Lines of the journal that say nothing. */
  readonly skipped: number;
  /** The first number of the journal that no job reaches, and where it stands. */
  readonly poisoned: string | undefined;
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
  /** This container's name: another one than the journal's means that training starts. */
  readonly container: string;
}

/**
 * Looks at the volume where training is about to start. A master that comes back to a job under way does not: whatever became of the
 * disk meanwhile, the job goes on.
 */
export async function openVolume(o: OpenOptions): Promise<OpenedVolume> {
  const { directory } = o.policy;
  const first = tryJournal(directory);
  if (!(first instanceof Error) && !isNewRun(first.entries, o.container))
    return { ...first, trouble: null, blind: false };
  const obstacle = await findObstacle({ mount: o.mount, directory });
  // What was only another user's to write may be readable now.
  const read = first instanceof Error ? tryJournal(directory) : first;
  const blind = read instanceof Error;
  const found = obstacle ?? (blind ? obstacleOf(read, path => relativeTo(o.mount, path)) : null);
  const known = blind ? { entries: [], skipped: 0, poisoned: undefined } : read;
  if (found === null || (await hasRoomToMake(o, found.problem.kind)))
    return { ...known, trouble: null, blind: false };
  const user = `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`;
  return { ...known, blind, trouble: { job: o.job, place: o.place, obstacle: found, user } };
}

const relativeTo = (mount: string, path: string): string =>
  path.startsWith(`${mount}/`) ? path.slice(mount.length + 1) : path;

function tryJournal(directory: string): ReadJournal | Error {
  try {
    return readJournal(journalFolder(directory));
  } catch (error) {
    return error as Error;
  }
}

/** On a full disk an old checkpoint goes when a new one is due. */
async function hasRoomToMake({ job, policy }: OpenOptions, kind: string): Promise<boolean> {
  if (kind !== 'full' && kind !== 'noInodes') return false;
  const rows = await new Manager(policy, job).list();
  return prunable(rows, policy).length > 0 || expendable(rows, policy) !== null;
}
