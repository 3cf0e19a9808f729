/** The containers' environment: docs/protocol.md's table, service by service. */
import { mounts, ports } from '../src/shared/names.ts';
import { basename } from 'node:path';
import { toSeconds } from '../src/job/duration.ts';
import { builtinOf, type Job } from '../src/job/job.ts';

const examplesFolder = '/opt/ftc/examples';

type Environment = Record<string, string>;

export function masterEnvironment(job: Job): Environment {
  return {
    JOB_ID: job.name,
    FTC_PROJECT: job.name,
    WORLD_SIZE: String(job.workers),
    FTC_STANDBYS: String(job.standbys),
    FTC_MIN_WORKERS: String(job.recovery.minWorkers),
    FTC_LAUNCHER: job.launcher,
    HEARTBEAT_TIMEOUT: toSeconds(job.recovery.heartbeat),
    FTC_HANG_TIMEOUT: toSeconds(job.recovery.hang),
    FTC_ON_STRAGGLER: job.recovery.onStraggler,
    CHECKPOINT_DIR: mounts.checkpoints,
    CHECKPOINT_EVERY: String(job.checkpoint.every),
    FTC_CHECKPOINT_KEEP: String(job.checkpoint.keep),
    ...(job.checkpoint.keepEvery !== null && {
      FTC_CHECKPOINT_KEEP_EVERY: String(job.checkpoint.keepEvery),
    }),
    ...(job.checkpoint.keepBest !== null && {
      FTC_CHECKPOINT_KEEP_BEST: JSON.stringify(job.checkpoint.keepBest),
    }),
    FTC_CHECKPOINT_SCRUB: toSeconds(job.checkpoint.scrub),
  };
}

export function workerEnvironment(job: Job): Environment {
  return {
    JOB_ID: job.name,
    FTC_MASTER: `master:${ports.control}`,
    FTC_SCRIPT: scriptInContainer(job.script),
    FTC_ARGS: JSON.stringify(job.args),
    FTC_LAUNCHER: job.launcher,
    ...(job.launcher === 'torchrun' && {
      FTC_NODE: job.node,
      FTC_STOP_GRACE: toSeconds(job.stopGrace),
      MAX_RESTARTS: String(job.recovery.maxRestarts),
    }),
    FTC_VIRTUAL_RANKS: String(job.virtualRanks),
    FTC_SEED: String(job.seed),
    ...('steps' in job.length
      ? { FTC_STEPS: String(job.length.steps) }
      : { FTC_EPOCHS: String(job.length.epochs) }),
    FTC_THREADS: String(job.threads),
    FTC_BACKEND: job.backend,
    FTC_ON_DIVERGENCE: job.recovery.onDivergence,
    FTC_ON_NON_FINITE: job.onNonFinite,
    ...(job.standbySync !== null && { FTC_STANDBY_SYNC: String(job.standbySync) }),
    CHECKPOINT_DIR: mounts.checkpoints,
    CHECKPOINT_EVERY: String(job.checkpoint.every),
    // A bucket or a folder of the host has what others may have put there.
    ...((job.checkpoint.s3 !== null || job.checkpoint.dir !== null) && { FTC_CHECKPOINT_ORIGIN: 'outside' }),
    DATASET_DIR: mounts.dataset,
    ...(job.outputs !== null && { OUTPUT_DIR: mounts.outputs }),
    ...(job.workdir && { FTC_WORKDIR: 'copy' }),
    ...(hasLongNames(job) && { RES_OPTIONS: 'timeout:1 attempts:1' }),
    HEARTBEAT_TIMEOUT: toSeconds(job.recovery.heartbeat),
  };
}

/**
 * torch asks for the names of addresses that it connects to. The engine's DNS never answers where a container's name has more than
 * the 63 characters of a label, and the resolver waits 10 s for that unless it is told not to.
 */
function hasLongNames({ name, workers, standbys }: Job): boolean {
  return `${name}-worker-${10 * (workers + standbys)}`.length > 63;
}

export function supervisorEnvironment(job: Job): Environment {
  const { backoff, maxRestarts } = job.recovery;
  return {
    JOB_ID: job.name,
    FTC_PROJECT: job.name,
    FTC_MASTER: `master:${ports.control}`,
    MAX_RESTARTS: String(maxRestarts),
    FTC_BACKOFF_INITIAL: toSeconds(backoff.initial),
    FTC_BACKOFF_MAX: toSeconds(backoff.max),
    FTC_BACKOFF_RESET: toSeconds(backoff.reset),
  };
}

function scriptInContainer(script: string): string {
  const builtin = builtinOf(script);
  return builtin === null ? `${mounts.script}/${basename(script)}` : `${examplesFolder}/${builtin}/train.py`;
}
