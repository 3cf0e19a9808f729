/**
 * What ftc asks of a container engine, project by project; ./hands.ts makes a job's `Hands` of it. `DockerEngine` speaks to a real
 * one through dockerode, `FakeEngine` (test/) is an in-memory one for unit tests. Errors that are no news are no errors:
 * starting what runs, killing what is dead and removing what is gone all resolve.
 */
import type { Role } from '../../shared/names.ts';
import type { Blueprint, Replica } from '../replica.ts';

/** A container of a job, as the engine tells. Its id is the full one, 64 hex digits; its hostname the first 12 of them unless set otherwise. */
export interface Container extends Replica {
  readonly kind: 'container';
  readonly image: string;
  /** Pid of its first process on the host; null while it does not run. */
  readonly pid: number | null;
  /** Its weight when CPUs are short, among 1024 for everybody; 0 is the engine's default, the same. */
  readonly cpuShares: number;
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
