/**
 * What breaking things asks of a runtime, beyond what running a job does: see `Hands`. FTC_NO_TARGET where the replica is gone,
 * FTC_NOT_RUNNING where it does not run, FTC_ENGINE_GONE, FTC_ENGINE_FAILED.
 */

/** What a runtime may be able to do to a replica. A fault names those that it needs. */
export const capabilities = [
  /** Freeze its processes. */
  'pause',
  /** Take it away, so that another one is made. */
  'remove',
  'restart',
  /** Run a command where it runs. */
  'exec',
  /** Bound its memory and its CPUs while it runs. */
  'limit',
  /** A helper in its network. */
  'network',
  /** A helper that sees its processes and their memory. */
  'processes',
  /** A helper that has the job's checkpoints. */
  'volume',
  /** End the runtime itself, and start it again. */
  'engine',
] as const;
export type Capability = (typeof capabilities)[number];

export interface ExecOptions {
  /** `uid:gid`; the replica's own user without it. */
  readonly user?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Returns when it has begun; exit code 0, no output. */
  readonly detach?: boolean;
}

export interface ExecResult {
  readonly exitCode: number;
  /** Stdout and stderr. */
  readonly output: string;
}

/** Limits of a replica, as the runtime was told them. 0 is none, for all but `memorySwap`, where -1 is, too. */
export interface Limits {
  /** Bytes. */
  readonly memory: number;
  /** Bytes of memory and swap together. */
  readonly memorySwap: number;
  /** Billionths of a CPU. */
  readonly nanoCpus: number;
  /** Microseconds of CPU time in each `cpuPeriod`; the other way to say it. */
  readonly cpuQuota: number;
  readonly cpuPeriod: number;
}

/** Where a job's checkpoints are: a volume's name, or an absolute path of the host. */
export interface Mounted {
  readonly type: 'volume' | 'bind';
  readonly source: string;
}

/** What a helper is like: a process beside a job, for what cannot be done from inside a replica or through the runtime. */
export interface HelperSpec {
  readonly command: readonly string[];
  /** The job that it is for. */
  readonly project: string;
  /** The fault's id. */
  readonly fault: string;
  /** Kept with it, for whoever undoes the fault when its command is gone. */
  readonly record: string;
  /** The replica whose network it shares; null for none. */
  readonly network: string | null;
  /** The replica whose processes it sees; without it, its own alone. */
  readonly processes?: string;
  /** Of the kernel's capabilities, the ones it has. */
  readonly capabilities: readonly string[];
  readonly mounts: readonly (Mounted & { readonly target: string })[];
  /** `uid:gid`; root without it. */
  readonly user?: string;
}

/** A helper that runs, and its lines. It is removed when it ends. */
export interface HelperProcess {
  readonly id: string;
  /** The next line that it prints; null when it has ended. */
  line(): Promise<string | null>;
  send(line: string): void;
  /** What it has said on stderr. */
  complaint(): string;
  /** Lets go of its streams; it runs on. */
  release(): void;
}

/** A helper that is there. */
export interface Helper {
  readonly id: string;
  readonly fault: string;
  readonly record: string;
}

/** How the engine's process is run. */
export const starts = ['systemd', 'process'] as const;
export type Start = (typeof starts)[number];

/** An engine that was found, for whoever starts it again. */
export interface EngineRun {
  readonly how: Start;
  /** Where it answers: an absolute path. */
  readonly socket: string;
}

/** The process of the engine that runs replicas. */
export interface EngineHands {
  /**
   * Finds the process that answers. `end` ends that one and no other.
   * @throws FtcError FTC_CANNOT where it is not known, or not ours to end
   */
  look(): Promise<{ readonly run: EngineRun; readonly end: (signal: string) => Promise<void> }>;
  /** Starts it if it does not run, and waits until it answers. */
  start(run: EngineRun): Promise<void>;
}

/** Each call belongs to a capability; what a runtime has no capability for throws FTC_CANNOT. */
export interface FaultHands {
  readonly capabilities: ReadonlySet<Capability>;
  /** Gets what helpers are made from, which may take a minute the first time. */
  prepare(): Promise<void>;
  /** Freezes its processes; their connections stay open. */
  pause(id: string): Promise<void>;
  /** Resolves for what is not paused, and for what is gone. */
  unpause(id: string): Promise<void>;
  /** Resolves for what is gone. */
  remove(id: string): Promise<void>;
  /** Stops it, with so long between SIGTERM and SIGKILL, and starts it again. */
  restart(id: string, graceSeconds: number): Promise<void>;
  exec(id: string, command: readonly string[], options?: ExecOptions): Promise<ExecResult>;
  /** The lines that a command where the replica runs prints, until it ends or `signal` aborts, which lets go of it. */
  listen(
    id: string,
    command: readonly string[],
    signal: AbortSignal,
    options?: Pick<ExecOptions, 'env'>,
  ): AsyncIterable<string>;
  limits(id: string): Promise<Limits>;
  /** Changes what is named; 0 means no limit. Holds over restarts. */
  limit(id: string, limits: Partial<Limits>): Promise<void>;
  /** Bytes of its memory that the kernel cannot take back. */
  memory(id: string): Promise<number>;
  /** The volume or the host's directory that is mounted at `path`; null where none is. */
  mount(id: string, path: string): Promise<Mounted | null>;
  /** The volume that was made for a project under `key`, and the job that it says it is of; null where there is none. */
  volume(project: string, key: string): Promise<{ readonly name: string; readonly job: string } | null>;
  /** `uid:gid` as the replica was made; empty for root. */
  user(id: string): Promise<string>;
  /** Starts a helper. */
  spawn(spec: HelperSpec): Promise<HelperProcess>;
  /** Helpers of a project, whoever started them. */
  helpers(project: string): Promise<Helper[]>;
  /**
   * Asks a helper to put right what it did and to end, and waits until it is gone. Harmless where it is gone.
   * @returns whether it said that all is right
   */
  dismiss(id: string): Promise<boolean>;
  readonly engine: EngineHands;
}
