/** A job as the rest of ftc knows it: whole, valid, with defaults filled in. Paths are absolute, durations milliseconds. */

import type { Data } from './data.ts';
import { type Hooks, noHooks } from './hooks.ts';
import type { KeepBest } from './keep-best.ts';
import type { Launcher, Node } from './launcher.ts';
import type { ScriptEnvironment } from './environment.ts';
import type { S3 } from './s3.ts';
import type { Volume } from './volumes.ts';

export const builtins = ['fashion-mnist', 'char-gpt'] as const;
export const builtinPrefix = 'builtin:';

export interface Job {
  readonly name: string;
  /** `builtin:<name>`, or the absolute path of a script. */
  readonly script: string;
  readonly args: readonly string[];
  readonly launcher: Launcher;
  /** Under torchrun: whether all workers are one node, or each is one. */
  readonly node: Node;
  /** How many workers hold ranks when nothing is broken. */
  readonly workers: number;
  readonly standbys: number;
  /** Steps after which a standby takes the state; null is never, it gets all of it when it is promoted. */
  readonly standbySync: number | null;
  readonly virtualRanks: number;
  readonly seed: number;
  /** How long to train. */
  readonly length: { readonly steps: number } | { readonly epochs: number };
  readonly checkpoint: {
    /** Steps between two. */
    readonly every: number;
    readonly keep: number;
    /** Every so-many-th checkpoint is kept besides; null is none. */
    readonly keepEvery: number | null;
    /** The best by a metric are kept besides; null is none. */
    readonly keepBest: KeepBest | null;
    /** How old a verification may get, milliseconds; 0 is never to verify in the background. */
    readonly scrub: number;
    /** A directory of the host instead of the named volume. */
    readonly dir: string | null;
    /** Where every checkpoint is copied to. */
    readonly s3: S3 | null;
  };
  /** A volume for shards; null is none. */
  readonly data: Data | null;
  /** A directory of the host, mounted read-only at /data. */
  readonly dataset: string | null;
  readonly environment: ScriptEnvironment;
  /** A file of more variables. */
  readonly envFile: string | null;
  /** What pip installs into the workers' image. */
  readonly requirements: string | null;
  readonly volumes: readonly Volume[];
  /** The script runs in a writable copy of its folder. */
  readonly workdir: boolean;
  /** Writable at /outputs: a directory of the host, or with `dir` null one that goes with the worker. Null is none. */
  readonly outputs: { readonly dir: string | null } | null;
  /** Of /dev/shm. */
  readonly shmSize: string;
  /** Who hears of the job's failure, recovery or success. */
  readonly hooks: Hooks;
  readonly recovery: {
    readonly heartbeat: number;
    /** How long all others may wait for a worker before it counts as stuck. */
    readonly hang: number;
    readonly onStraggler: 'report' | 'replace';
    readonly onDivergence: 'repair' | 'fail';
    readonly backoff: { readonly initial: number; readonly max: number; readonly reset: number };
    readonly maxRestarts: number;
    readonly minWorkers: number;
  };
  /** Per worker; null is without a limit. */
  readonly resources: {
    readonly cpus: number | null;
    readonly memory: string | null;
    readonly gpus: number | 'all' | null;
    /** Processes and threads. */
    readonly pids: number;
    /** Size of /tmp. */
    readonly tmp: string;
  };
  /** How long a worker that is asked to end has, milliseconds. */
  readonly stopGrace: number;
  /** When a step's loss or gradient is not finite. */
  readonly onNonFinite: 'fail' | 'skip' | 'report';
  readonly threads: number;
  readonly backend: 'gloo' | 'nccl';
  /** Base image of the workers; null is `FTC_BASE_IMAGE`, or Debian. */
  readonly base: string | null;
  /** Port on 127.0.0.1; 0 is any free one. */
  readonly port: number;
}

/** What is not said anywhere. `name`, `backend`, `launcher` and, under torchrun, `minWorkers` depend on the rest. */
export const defaults = {
  script: 'builtin:fashion-mnist',
  args: [],
  node: 'machine',
  workers: 3,
  standbys: 0,
  standbySync: null,
  virtualRanks: 12,
  seed: 0,
  epochs: 2,
  checkpoint: { every: 50, keep: 3, keepEvery: null, keepBest: null, scrub: 3_600_000, dir: null, s3: null },
  data: null,
  dataset: null,
  environment: {},
  envFile: null,
  requirements: null,
  volumes: [],
  workdir: false,
  outputs: null,
  shmSize: '1gb',
  hooks: noHooks,
  recovery: {
    heartbeat: 5_000,
    hang: 300_000,
    onStraggler: 'report',
    onDivergence: 'repair',
    backoff: { initial: 500, max: 30_000, reset: 60_000 },
    maxRestarts: 100,
    minWorkers: 1,
  },
  resources: { cpus: null, memory: null, gpus: null, pids: 4096, tmp: '2g' },
  stopGrace: 60_000,
  onNonFinite: 'fail',
  threads: 1,
  base: null,
  port: 7070,
} as const satisfies Omit<Job, 'name' | 'length' | 'backend' | 'launcher'> & { epochs: number };

/** The built-in's name, or null when the script is a file. */
export function builtinOf(script: string): string | null {
  return script.startsWith(builtinPrefix) ? script.slice(builtinPrefix.length) : null;
}
