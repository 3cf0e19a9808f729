/**
 * What a supervisor needs: to see the replicas of one job, and to start, end and remake them. Errors that are no news are no errors:
 * starting what runs and killing what is dead both resolve.
 */
import type { Blueprint, Change, Replica } from './replica.ts';

/** A replica that was made anew without what kept it from starting. */
export interface Uncovered {
  /** The new replica's. */
  readonly id: string;
  /** The path that it was to have and has no more. */
  readonly without: string;
}

/** @throws FtcError of each call: FTC_NO_TARGET where the replica is gone, FTC_ENGINE_GONE, FTC_ENGINE_FAILED, FTC_ENGINE_PERMISSION */
export interface Hands {
  /** All replicas of the job, stopped ones too; ordered by role, then number. */
  list(): Promise<Replica[]>;
  /** Of any job. Null when it is gone. */
  inspect(id: string): Promise<Replica | null>;
  /**
   * What happens to the replicas until `signal` aborts. It goes on by itself when the runtime goes away and comes back; at the begin,
   * and whenever something may have been missed, it yields `relist`.
   */
  changes(signal: AbortSignal): AsyncIterable<Change | 'relist'>;
  start(id: string): Promise<void>;
  /** @param signal Default: SIGKILL */
  kill(id: string, signal?: string): Promise<void>;
  /** Null when it is gone. */
  blueprint(id: string): Promise<Blueprint | null>;
  /** Makes another replica like it, under its name, and does not start it. The new one's id. FTC_NOT_RUNNING when the name is taken. */
  create(blueprint: Blueprint): Promise<string>;
  /**
   * Makes one anew that could not start because something of the host is gone that it was given, without that.
   * @param error with which its start failed
   * @returns null where that had another cause, and nothing was done
   */
  uncover(id: string, error: unknown): Promise<Uncovered | null>;
  /** Lets it go before the others while CPUs are short, or ends that; running or not. A runtime that cannot does nothing. */
  favour(id: string, on: boolean): Promise<void>;
  /** Puts one that was cut off back onto its network. */
  attach(id: string): Promise<void>;
  /** The last `lines` lines that it printed, stdout and stderr in order. */
  tail(id: string, lines: number): Promise<string>;
}
