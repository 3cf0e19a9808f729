/** What the master answers to `GET /status`, and so what `ftc status --json` prints. Null where not known. */
import { z } from 'zod';
import { launchers } from '../job/launcher.ts';
import { CheckpointStatus, noCheckpoints } from './checkpoint-status.ts';
import { LossKind } from './loss-cause.ts';
import { noChecks, ReplicaStatus } from './replicas.ts';
import { S3Status } from './s3.ts';
import { VolumeTrouble } from './volume.ts';
import { JobState } from '../protocol/job-state.ts';
import { Phase } from '../protocol/inbound.ts';

export const WorkerState = z.enum([
  /** Its container is not running; the supervisor will start it. */
  'down',
  /** The container runs, the process has not said hello yet. */
  'starting',
  'connected',
  'ready',
  'training',
  'finishing',
  'done',
  'left',
  /** The supervisor gave it up. */
  'gone',
]);
export type WorkerState = z.infer<typeof WorkerState>;

export const WorkerRow = z.object({
  id: z.string(),
  container: z.string().nullable(),
  rank: z.int().nullable(),
  role: z.enum(['rank', 'standby']).nullable(),
  state: WorkerState,
  phase: Phase.nullable(),
  step: z.int().nullable(),
  restarts: z.int(),
  lastSeenMs: z.number().nullable(),
  /** For how long it has been in its phase. */
  phaseMs: z.number().nullable().default(null),
  /** How many times longer than the others it takes for a slice; null while it keeps up. */
  slow: z.number().nullable().default(null),
  /** For how long all others have waited for this one; null while they do not. */
  stuckMs: z.number().nullable().default(null),
  /** In how many mismatches between replicas it was among those that differed. */
  diverged: z.int().default(0),
});
export type WorkerRow = z.infer<typeof WorkerRow>;

export const Recovery = z.object({
  generation: z.int(),
  /** What was seen first, for people. */
  cause: z.string(),
  /** The kind of cause of each worker in `lost`, in the same order. */
  causes: z.array(LossKind).default([]),
  /** Ids of the workers lost. */
  lost: z.array(z.string()),
  /** Ranks they held, in the same order. */
  lostRanks: z.array(z.int()),
  /** Last step committed before the loss, as far as the master heard. */
  atStep: z.int(),
  /** First step committed after it; null while none is. */
  resumedStep: z.int().nullable(),
  /** Committed steps that had to be done again. */
  stepsLost: z.int().nullable(),
  /** From the first sign of the loss to the first step committed after it, milliseconds, on the workers' clock. */
  resumedMs: z.number().nullable(),
  /** The same, to the first step committed at full world size. */
  wholeMs: z.number().nullable(),
  /** When the first sign was seen, milliseconds since the epoch. */
  at: z.number(),
});
export type Recovery = z.infer<typeof Recovery>;

export const Status = z.object({
  job: z.string(),
  project: z.string(),
  /** Under `torchrun` the script counts its own steps: `step` and all that is made of it are null. */
  launcher: z.enum(launchers).default('ftc'),
  state: JobState,
  reason: z.string().nullable(),
  /** The user's traceback when the script failed the job. */
  traceback: z.string().nullable(),
  generation: z.int(),
  worldSize: z.int(),
  target: z.int(),
  step: z.int().nullable(),
  totalSteps: z.int().nullable(),
  /** Why the script ended training early, at `totalSteps`; null where it did not. */
  finished: z.string().nullable().default(null),
  epoch: z.int().nullable(),
  loss: z.number().nullable(),
  /** Steps that were left out because a number was not finite. */
  skippedSteps: z.int().default(0),
  samplesPerSecond: z.number().nullable(),
  etaSeconds: z.number().nullable(),
  finalDigest: z.string().nullable(),
  metrics: z.record(z.string(), z.number()),
  /** The newest line of step metrics: what the script logged in that step, with `step`, `epoch`, `samples` and `loss`. */
  lastMetrics: z.record(z.string(), z.number().nullable()).nullable().default(null),
  workers: z.array(WorkerRow),
  recoveries: z.array(Recovery),
  replicas: ReplicaStatus.default(noChecks),
  checkpoint: CheckpointStatus.default(noCheckpoints),
  /** Copies in S3; null for a job that asks for none. */
  s3: S3Status.nullable().default(null),
  /** Why the volume with the checkpoints cannot be used; null where it can. */
  volume: VolumeTrouble.nullable().default(null),
});
export type Status = z.infer<typeof Status>;
