/** Whose experiment a job of some name is: a folder's and a script's. Pure. */

/** What the folder of a job knows about it. */
export interface JobRecord {
  /** Random; the same is on the volume that holds the checkpoints. */
  readonly id: string;
  /** Where the folder was when the job was last started. Absolute. */
  readonly folder: string;
  /** Relative to the folder, or `builtin:NAME`. */
  readonly script: string;
}

/** Who wants to start a job. */
export interface Here {
  /** Absolute. */
  readonly folder: string;
  /** As in {@link JobRecord}. */
  readonly script: string;
  readonly record: JobRecord | null;
  /** The record came along with a copy of its folder, which is still there. */
  readonly copied: boolean;
  /** Something in the folder shows that a job of this name was started from here before there were records. */
  readonly traces: boolean;
}

/** What the engine, or the checkpoint directory, has under the job's name. */
export interface There {
  /** Null where no id was written. */
  readonly id: string | null;
  /** Of who started it, as far as it is known. */
  readonly folder: string | null;
  /** That folder is there, and not this one under another path. */
  readonly folderElsewhere: boolean;
  /** Nothing but a volume that somebody made by hand, such as a backup that was put back. */
  readonly byHand: boolean;
}

export type Verdict = 'free' | 'ours' | 'other folder' | 'other script';

export function verdictOf(here: Here, there: There | null): Verdict {
  if (there === null) return 'free';
  if (!isFolders(here, there)) return 'other folder';
  return here.record === null || here.record.script === here.script ? 'ours' : 'other script';
}

/** An id decides. Where none was written (an older ftc, or `docker compose up`), the folders that are known do. */
function isFolders({ folder, record, copied, traces }: Here, there: There): boolean {
  if (copied) return false;
  if (there.id !== null) return record?.id === there.id;
  if (there.folder === folder || there.byHand) return true;
  return !there.folderElsewhere && (record !== null || traces);
}
