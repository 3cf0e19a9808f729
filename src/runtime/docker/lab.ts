/**
 * What breaking things asks of a container engine, beyond what running a job does: see `Engine`. Errors are `Engine`'s:
 * FTC_NO_TARGET where the container is gone, FTC_NOT_RUNNING where it does not run, FTC_ENGINE_GONE, FTC_ENGINE_FAILED.
 */
import type { Mount } from './mount.ts';

export interface ExecOptions {
  /** `uid:gid`; the container's own user without it. */
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

/** Limits of a container, as the engine was told them. 0 is none, for all but `memorySwap`, where -1 is, too. */
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

/** What is mounted somewhere. */
export type Mounted = Pick<Mount, 'type' | 'source'>;

export interface HelperSpec {
  readonly image: string;
  readonly command: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  /** `none`, or `container:<id>`: the network namespace of that container. */
  readonly network: string;
  /** `container:<id>`: the processes of that container are seen from it; without it, its own alone. */
  readonly processes?: string;
  /** Of all capabilities, the ones it has. */
  readonly capabilities: readonly string[];
  readonly mounts: readonly Mount[];
  /** `uid:gid`; root without it. */
  readonly user?: string;
}

/** A helper container that runs, and its lines. It is removed when it ends. */
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

/** A helper container that is there. */
export interface Helper {
  readonly id: string;
  readonly fault: string;
  /** ftcLabels.record's value. */
  readonly record: string;
}

export interface Platform {
  /** `Docker Desktop`, …; empty where the engine does not say. */
  readonly name: string;
  /** 1 or 2. */
  readonly cgroups: number;
  readonly kernel: string;
}

export interface Lab {
  platform(): Promise<Platform>;
  exec(id: string, command: readonly string[], options?: ExecOptions): Promise<ExecResult>;
  /** The lines that a command in the container prints, until it ends or `signal` aborts, which lets go of it. */
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
  /** Stops it as `docker stop` does, and starts it again. */
  restart(id: string, graceSeconds: number): Promise<void>;
  /** The volume or the host's directory that is mounted at `path`; null where none is. */
  mount(id: string, path: string): Promise<Mounted | null>;
  /** The volume that Compose made for a project under `key`, by its labels, and the job that it says it is of; null where there is none. */
  volume(project: string, key: string): Promise<{ readonly name: string; readonly job: string } | null>;
  /** `uid:gid` as the container was made; empty for root. */
  user(id: string): Promise<string>;
  /** Starts a helper container. */
  spawn(spec: HelperSpec): Promise<HelperProcess>;
  /** Helper containers of a project, by the labels of both a helper and a job; whoever started them. */
  helpers(project: string): Promise<Helper[]>;
  /**
   * Asks a helper to put right what it did and to end, and waits until it is gone. Harmless where it is gone.
   * @returns whether it said that all is right
   */
  dismiss(id: string): Promise<boolean>;
}
