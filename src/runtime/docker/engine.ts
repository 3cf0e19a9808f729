/**
 * What ftc asks of a container engine: the one interface between the rest and Docker. `DockerEngine` speaks to a real
 * one through dockerode, `FakeEngine` (test/) is an in-memory one for unit tests. Errors that are no news are no errors:
 * starting what runs, killing what is dead and removing what is gone all resolve.
 */
import type { Role } from '../../shared/names.ts';

/** A container of a job, as the engine tells. */
export interface Container {
  /** Full id, 64 hex digits. */
  readonly id: string;
  /** Its hostname, which is the worker's id on the control link: the first 12 digits of `id` unless set otherwise. */
  readonly hostname: string;
  /** For people; never parsed. */
  readonly name: string;
  readonly role: Role;
  readonly job: string;
  /** The Compose project. */
  readonly project: string;
  /** Compose's number of the replica; gaps are normal. */
  readonly number: number;
  readonly image: string;
  readonly state: 'created' | 'running' | 'paused' | 'restarting' | 'removing' | 'exited' | 'dead';
  /** Milliseconds since the epoch; null if it never started. */
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
  /** Null while it runs, and if it never ran. */
  readonly exitCode: number | null;
  readonly oomKilled: boolean;
  /** Pid of its first process on the host; null while it does not run. */
  readonly pid: number | null;
  /** False for one that was cut off from its network. */
  readonly attached: boolean;
  /** Its weight when CPUs are short, among 1024 for everybody; 0 is the engine's default, the same. */
  readonly cpuShares: number;
  readonly labels: Readonly<Record<string, string>>;
  /** Host ports by `8080/tcp`. */
  readonly ports: Readonly<Record<string, number>>;
}

/** Something that happened to a container of the project. Unknown actions are passed on as they are. */
export interface ContainerEvent {
  /** `create`, `start`, `die`, `kill`, `pause`, `unpause`, `oom`, `destroy`, `stop`, … */
  readonly action: string;
  readonly id: string;
  readonly role: Role | null;
  /** Milliseconds since the epoch, engine's clock. */
  readonly at: number;
  readonly exitCode: number | null;
  /** Of a `kill`: `15`, `SIGTERM`, as the engine has it. */
  readonly signal: string | null;
}

/** All that it takes to make a container again, as the engine told it; nobody else looks into it. */
export interface Blueprint {
  readonly name: string;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface Engine {
  /** All containers of the project, stopped ones too; ordered by role, then number. One-off ones are left out. */
  list(project: string): Promise<Container[]>;
  /** Null when it is gone. */
  inspect(id: string): Promise<Container | null>;
  start(id: string): Promise<void>;
  kill(id: string, signal?: string): Promise<void>;
  pause(id: string): Promise<void>;
  unpause(id: string): Promise<void>;
  remove(id: string): Promise<void>;
  /** Null when it is gone. */
  blueprint(id: string): Promise<Blueprint | null>;
  /** Makes another container like it, under its name, and does not start it. The new one's id. FTC_NOT_RUNNING when the name is taken. */
  create(blueprint: Blueprint): Promise<string>;
  /** Sets its weight when CPUs are short, running or not. */
  weigh(id: string, cpuShares: number): Promise<void>;
  /** Puts one that was cut off back onto the network that it was made for, under its service's name. */
  attach(id: string): Promise<void>;
  /**
   * Events of the project's containers until `signal` aborts. Reconnects by itself when the engine goes away, with
   * `since`; after every (re)connect it yields `'connected'`, because events may have been missed: list again.
   */
  events(project: string, signal: AbortSignal): AsyncIterable<ContainerEvent | 'connected'>;
  /** The last `lines` lines that a container printed, stdout and stderr in order. */
  tail(id: string, lines: number): Promise<string>;
}
