/** The master's environment, as compose/ renders it. docs/protocol.md has the table. */
import { ports } from '../shared/names.ts';
import { hostname } from 'node:os';
import { basename } from 'node:path';
import { z } from 'zod';
import { JobId } from '../checkpoint/names.ts';
import { CheckpointEnvironment, type CheckpointPolicy, policyOf } from '../checkpoint/policy.ts';
import { hookNames } from '../job/hooks.ts';
import { type Launcher, launchers } from '../job/launcher.ts';
import type { HooksConfig } from './hooks/hooks.ts';
import type { KeyFolders } from './keys.ts';
import { readS3Config, type S3Config } from './s3/config.ts';
import type { VolumePlace } from '../api/volume.ts';

const number = (fallback: number) => z.coerce.number().nonnegative().default(fallback);

const Environment = z.object({
  JOB_ID: JobId,
  FTC_PROJECT: z.string().min(1),
  WORLD_SIZE: z.coerce.number().int().positive().default(3),
  FTC_STANDBYS: z.coerce.number().int().nonnegative().default(0),
  FTC_MIN_WORKERS: z.coerce.number().int().positive().default(1),
  FTC_LAUNCHER: z.enum(launchers).default('ftc'),
  HEARTBEAT_TIMEOUT: number(5),
  FTC_HANG_TIMEOUT: number(300),
  FTC_ON_STRAGGLER: z.enum(['report', 'replace']).default('report'),
  ...CheckpointEnvironment.shape,
  FTC_CHECKPOINT_SCRUB: number(3600),
  FTC_CHECKPOINT_VOLUME: z.string().optional(),
  FTC_CHECKPOINT_HOST_DIR: z.string().optional(),
  FTC_IMAGE: z.string().default('ftc-control'),
  FTC_HOOKS: z
    .string()
    .transform(names => names.split(','))
    .pipe(z.array(z.enum(hookNames)))
    .optional(),
  FTC_HOOKS_CA: z.string().optional(),
  FTC_STATE_DIR: z.string().default('/var/lib/ftc/master'),
  FTC_WORKER_KEY_DIR: z.string().default('/var/lib/ftc/worker-key'),
  FTC_SUPERVISOR_KEY_DIR: z.string().default('/var/lib/ftc/supervisor-key'),
  FTC_CONTROL_PORT: z.coerce.number().int().default(ports.control),
  FTC_HTTP_PORT: z.coerce.number().int().default(ports.http),
});

export interface MasterConfig {
  readonly job: string;
  readonly project: string;
  readonly launcher: Launcher;
  readonly workers: number;
  readonly standbys: number;
  readonly minWorkers: number;
  readonly heartbeatMs: number;
  readonly hangMs: number;
  readonly onStraggler: 'report' | 'replace';
  readonly checkpoints: CheckpointPolicy;
  /** Where the checkpoints' volume is mounted, and what people call it. */
  readonly volume: { readonly mount: string; readonly place: VolumePlace };
  /** Where the job's secret, the keys that come from it, and the journal are. */
  readonly folders: KeyFolders;
  /** What people call the volume mounted at one of them. */
  readonly placeOfFolder: (folder: string) => VolumePlace;
  /** How old a checkpoint's verification may get; 0 is never to verify in the background. */
  readonly scrubMs: number;
  /** Where checkpoints are copied to; null for a job that asks for no copies. */
  readonly s3: S3Config | null;
  /** Null for a job without a URL that hears of it. */
  readonly hooks: HooksConfig | null;
  readonly controlPort: number;
  readonly httpPort: number;
  /** Tells a restart of this container from a new one. */
  readonly container: string;
}

/** Throws a ZodError that names the variable. */
export function readConfig(env: NodeJS.ProcessEnv): MasterConfig {
  const e = Environment.parse(env);
  return {
    job: e.JOB_ID,
    project: e.FTC_PROJECT,
    launcher: e.FTC_LAUNCHER,
    workers: e.WORLD_SIZE,
    standbys: e.FTC_STANDBYS,
    minWorkers: e.FTC_MIN_WORKERS,
    heartbeatMs: e.HEARTBEAT_TIMEOUT * 1000,
    hangMs: e.FTC_HANG_TIMEOUT * 1000,
    onStraggler: e.FTC_ON_STRAGGLER,
    checkpoints: policyOf(e, e.JOB_ID),
    volume: { mount: e.CHECKPOINT_DIR, place: placeOf(e) },
    folders: {
      state: e.FTC_STATE_DIR,
      keys: { worker: e.FTC_WORKER_KEY_DIR, supervisor: e.FTC_SUPERVISOR_KEY_DIR },
    },
    placeOfFolder: folder => ({
      type: 'volume',
      name: `${e.FTC_PROJECT}_${basename(folder)}`,
      image: e.FTC_IMAGE,
    }),
    scrubMs: e.FTC_CHECKPOINT_SCRUB * 1000,
    s3: readS3Config(env, e.JOB_ID),
    hooks: e.FTC_HOOKS === undefined ? null : { names: e.FTC_HOOKS, caBundle: e.FTC_HOOKS_CA ?? null },
    controlPort: e.FTC_CONTROL_PORT,
    httpPort: e.FTC_HTTP_PORT,
    container: hostname(),
  };
}

function placeOf(e: z.output<typeof Environment>): VolumePlace {
  const image = e.FTC_IMAGE;
  return e.FTC_CHECKPOINT_HOST_DIR === undefined
    ? { type: 'volume', name: e.FTC_CHECKPOINT_VOLUME ?? `${e.FTC_PROJECT}_checkpoints`, image }
    : { type: 'directory', name: e.FTC_CHECKPOINT_HOST_DIR, image };
}
