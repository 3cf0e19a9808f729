/** What a runtime tells of the parts that a job runs in, and of what happens to them. */
import type { Role } from '../shared/names.ts';

/** One of the processes that a job consists of: its master, its supervisor, one of its workers. */
export interface Replica {
  readonly kind: 'container' | 'process' | 'pod';
  /** Names it on its runtime for as long as it is there, over restarts. */
  readonly id: string;
  /** Its id on the control link. */
  readonly hostname: string;
  /** For people; never parsed. */
  readonly name: string;
  readonly role: Role;
  readonly job: string;
  /** The group on the runtime that it is a part of: Docker's Compose project, most often of the job's name. */
  readonly project: string;
  /** Its number among those of its role; gaps are normal. */
  readonly number: number;
  /** A runtime may know some of these only: `created`, `running` and `exited` are known to all. */
  readonly state: 'created' | 'running' | 'paused' | 'restarting' | 'removing' | 'exited' | 'dead';
  /** Milliseconds since the epoch; null if it never started. */
  readonly startedAt: number | null;
  /** Milliseconds since the epoch; null if it never ended. */
  readonly finishedAt: number | null;
  /** Null while it runs, and if it never ran. */
  readonly exitCode: number | null;
  readonly oomKilled: boolean;
  /** False for one that was cut off from its network. */
  readonly attached: boolean;
  /** It goes before the others while CPUs are short: see `Hands.favour`. */
  readonly favoured: boolean;
  /** The folder that its job was started from; null where nothing says so. */
  readonly folder: string | null;
  readonly labels: Readonly<Record<string, string>>;
  /** Ports of this machine that lead to it, by its own: `8080/tcp`. */
  readonly ports: Readonly<Record<string, number>>;
}

/** Something that happened to a replica. */
export interface Change {
  /** `asked`: somebody told it to end, by SIGTERM. `other`: what is true now is worth a look. */
  readonly kind: 'started' | 'asked' | 'ended' | 'removed' | 'other';
  readonly id: string;
  /** Milliseconds since the epoch, by the runtime's clock. */
  readonly at: number;
  /** Of one that ended; null where it is not known. */
  readonly exitCode: number | null;
}

/** All that it takes to make a replica again. Only the runtime that gave it looks into `body`. */
export interface Blueprint {
  readonly name: string;
  readonly body: Readonly<Record<string, unknown>>;
}
