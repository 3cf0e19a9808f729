/** A job on the runtime that runs it. */
import type { Agent } from 'node:http';
import type { FtcError } from '../errors.ts';
import type { LoadedJob } from '../job/load.ts';
import type { FaultHands } from './faults.ts';
import type { Hands } from './hands.ts';
import type { Replica } from './replica.ts';

export interface RunOptions {
  /** Each line that the runtime prints about it, as it comes. */
  readonly onLine?: (line: string) => void;
  /** Ends it; the call then rejects with its reason. */
  readonly signal?: AbortSignal;
}

/** What takes its time, for who waits. */
export interface Stages {
  /** Runs one stage under a title; `line` shows what goes on inside. */
  stage(title: string, work: (line: (text: string) => void) => Promise<void>): Promise<void>;
}

export interface LogOptions extends RunOptions {
  readonly follow?: boolean;
  /** A number of lines, or `all`. */
  readonly tail?: string;
  /** Default: all. */
  readonly roles?: readonly string[];
}

/** All that one replica has printed. */
export interface Transcript {
  /** The replica's. */
  readonly name: string;
  /** With the time in front of each line. */
  readonly text: string;
}

/** Where a job's checkpoints are asked for over HTTP. */
export interface CheckpointSource {
  /** As in `http://127.0.0.1:7070`. */
  readonly base: string;
  /** A connection of one's own. */
  readonly agent?: Agent;
  /** Where a POST needs one. Asked for each: commands make one. */
  readonly token?: () => Promise<string>;
  /** What it means that there is no answer. */
  readonly silent: (cause: unknown) => FtcError;
}

export interface CheckpointAccess {
  readonly source: CheckpointSource;
  close(): Promise<void>;
}

export interface CheckpointOptions {
  /** How the job was started, or would be, when no replica is left to tell: the folder that it is started from, and the job itself. */
  readonly fallback: { readonly folder: string; readonly load: () => LoadedJob };
  /** Something may be removed. */
  readonly write: boolean;
  /** Their files are read: the master's port gives none to whoever asks. */
  readonly files: boolean;
}

/** What a job has on its runtime. */
export interface Owned {
  /** Replicas, and what connects them. 0: nothing but its checkpoints, if those. */
  readonly parts: number;
  /** The folders that it was started from; null where nothing says so. */
  readonly folders: readonly (string | null)[];
  /** It has storage of its own for checkpoints and caches. */
  readonly storage: boolean;
}

/** Puts more replicas beside those that run, or takes some away. */
export interface Scaling {
  /** @param workers how many replicas of the role `worker`, standbys included */
  to(workers: number, o?: RunOptions): Promise<void>;
}

/** Makes what is missing of a job as the job was started. */
export interface Restoring {
  /**
   * @param present how many workers there are
   * @param ranks how many workers the master wants to hold ranks; null where it does not answer
   * @returns false where nothing tells how the job was started
   */
  restore(present: number, ranks: number | null): Promise<boolean>;
}

/**
 * Where it is not said otherwise, calls throw FTC_ENGINE_GONE, FTC_ENGINE_FAILED and FTC_ENGINE_PERMISSION, as the runtime has it.
 * A job that is opened need not be there: then it has no replicas.
 */
export interface RunningJob {
  readonly name: string;
  /** The folder that it was started from; null where only its name is known. */
  readonly directory: string | null;
  readonly hands: Hands;
  /** All of them, stopped ones too; ordered by role, then number. */
  replicas(): Promise<Replica[]>;
  /**
   * Where the master answers, as in `http://127.0.0.1:7070`.
   * @param replicas as they were listed a moment ago; they are listed anew without
   * @throws FtcError FTC_MASTER_UNREACHABLE
   */
  masterUrl(replicas?: readonly Replica[]): Promise<string>;
  /** What the master wants to see with a POST. @throws FtcError FTC_MASTER_UNREACHABLE */
  token(replicas?: readonly Replica[]): Promise<string>;
  /** The environment that a replica was started with. */
  environment(id: string): Promise<Readonly<Record<string, string>>>;
  /** What the replicas print, line by line, each behind its replica's name and a bar. */
  logs(o: LogOptions): Promise<void>;
  /** Of the replicas that are still there; ordered by name. */
  transcripts(): Promise<Transcript[]>;
  /**
   * Makes sure first that new replicas will be like those that run.
   * @throws FtcError FTC_NOT_OURS, FTC_NOT_RUNNING and FTC_NOT_TRUSTED where they would not be
   */
  scaling(): Promise<Scaling>;
  /** Learns how the job was started, while there is something that tells. */
  restoring(): Promise<Restoring>;
  /** Lets the replicas end, each with the time that it is granted. */
  stop(): Promise<void>;
  /** Ends all replicas at once. */
  kill(): Promise<void>;
  /** @throws FtcError FTC_NOT_OURS where what runs under its name is another job's */
  owned(): Promise<Owned>;
  /** Ends and removes the replicas, and what connects them. The checkpoints stay. */
  remove(o?: RunOptions): Promise<void>;
  /** Removes its storage but that of a local S3 store. @returns what is kept, a sentence each */
  removeStorage(): Promise<readonly string[]>;
  /**
   * The way to its checkpoints, whether its master runs or not.
   * @throws FtcError FTC_NOT_RUNNING where nothing at all is left, FTC_NO_IMAGE
   */
  checkpoints(o: CheckpointOptions): Promise<CheckpointAccess>;
  /** @param say is told what takes its time, such as building what helpers are made from */
  faults(say: (line: string) => void): FaultHands;
}
