/**
 * What workers and the supervisor say to the master over the control link: one JSON object a line over TCP. src/protocol/outbound.ts has what
 * the master says. Unknown fields are dropped, unknown types are refused by name.
 * docs/protocol.md explains each; the vectors in test/vectors/ hold Python and TypeScript to the same reading.
 *
 * Times are milliseconds since the epoch on the sender's clock (all containers of a job share one host's clock).
 * A step is the number of steps committed so far: 0 before the first.
 */
import { z } from 'zod';
import { Found } from './checkpoint-fact.ts';
import { cut, lines, name, numbers, text } from './bounds.ts';
import { generation, id, port, sentence, step, time } from './fields.ts';
import { helloProof } from './membership-proof.ts';

const MOST_WORKERS = 10_000;

/** What a worker is doing, as its heartbeats tell. */
export const Phase = z.enum([
  'starting',
  'idle',
  'regroup',
  'sync',
  'compute',
  'reduce',
  'checkpoint',
  /** A script runs of which only its launcher knows: what it does is not told. */
  'running',
  'finishing',
  'stopping',
]);
export type Phase = z.infer<typeof Phase>;

const Metrics = numbers;

const WorkerHello = z.object({
  type: z.literal('hello'),
  role: z.literal('worker'),
  protocol: z.int(),
  job: id,
  id,
  ...helloProof,
  incarnation: id,
  startedAt: time,
  host: name(255),
  storePort: port,
  step,
  holdsState: z.boolean(),
  /** In `batches` (or past it): model built, data open. Only a ready worker is given a rank. */
  ready: z.boolean(),
  /** The generation it is a member of right now; null for a fresh process. */
  generation: generation.nullable(),
  totalSteps: step.nullable(),
});

const SupervisorHello = z.object({
  type: z.literal('hello'),
  role: z.literal('supervisor'),
  protocol: z.int(),
  job: id,
  id,
  ...helloProof,
});

const Ready = z.object({
  type: z.literal('ready'),
  step,
  holdsState: z.boolean(),
  totalSteps: step.nullable(),
});

const Heartbeat = z.object({
  type: z.literal('heartbeat'),
  generation: generation.nullable(),
  step,
  phase: Phase,
  /** Mean loss of the last committed step; null before the first, or when it is not finite. */
  loss: z.number().nullable(),
  /** Samples in all committed steps of the job. */
  samples: z.int().nonnegative(),
  epoch: z.int().nonnegative(),
  at: time,
  // The rest is not said by workers of older images.
  /** How long it has been in this phase, milliseconds. */
  phaseMs: z.number().nonnegative().default(0),
  /** Of the last step committed here: milliseconds in which this rank computed its slices; null before the first. */
  computeMs: z.number().nonnegative().nullable().default(null),
  /** How many slices those were. */
  slices: z.int().nonnegative().default(0),
  /** Of the same step: milliseconds from then until the reduction was complete. */
  waitMs: z.number().nonnegative().nullable().default(null),
  /** Replica checks of this process that agreed. */
  checks: z.int().nonnegative().default(0),
  /** The newest step after which the whole state was known to be the same in all workers; null before there is one. */
  checkedStep: step.nullable().default(null),
  /** Steps of the job that were left out because a number was not finite: the same in all workers. */
  skipped: z.int().nonnegative().default(0),
});

const Committed = z.object({
  type: z.literal('committed'),
  generation,
  /** The first step that this generation committed. */
  step,
  /** The step that the generation resumed from; `step - 1` unless state came from a checkpoint meanwhile. */
  fromStep: step,
  at: time,
});

const Broken = z.object({ type: z.literal('broken'), generation, reason: sentence });

const CheckpointReport = z.object({
  type: z.literal('checkpoint'),
  step,
  generation,
  ok: z.boolean(),
  bytes: z.int().nonnegative(),
  /** Training stood still for it. */
  stallMs: z.number().nonnegative(),
  /** All that happened behind training, until the checkpoint was durable; what follows is part of it. */
  writeMs: z.number().nonnegative(),
  error: sentence.nullable(),
  // The rest is not said by workers of older images.
  serialiseMs: z.number().nonnegative().default(0),
  fsyncMs: z.number().nonnegative().default(0),
  /** It was due this long before it was begun: the one before was still being written. */
  delayedMs: z.number().nonnegative().default(0),
  /** Of the error: its errno's name, such as `ENOSPC`, or the type of the exception. */
  code: text(128).nullable().default(null),
});

/** Something that a person should see among the job's events, such as a checkpoint that was set aside. */
const Note = z.object({
  type: z.literal('note'),
  level: z.enum(['info', 'warn']),
  text: sentence,
  // The rest is not said by workers of older images: more lines for the event, such as a stack, and what the sentence tells of a checkpoint.
  detail: lines.nullable().default(null),
  checkpoint: Found.extend({ step }).nullable().default(null),
});

const Failed = z.object({
  type: z.literal('failed'),
  /** Trying again cannot help: the job fails at once. */
  fatal: z.boolean(),
  /** Equal for equal errors: exception type and the innermost line of the user's code. */
  fingerprint: text(1024),
  message: sentence,
  traceback: text(64 << 10),
  step,
});

/** What was done about replicas that differ. */
const DivergedAction = z.enum([
  /** The minority's state was replaced by the majority's. */
  'repaired',
  /** Without a majority: all went back to the newest state on which all agreed. */
  'returned',
  'failed',
]);

/** What a check of the replicas found: the first tensor that differs. Every member of the generation says it. */
export const Divergence = z.object({
  generation,
  /** Steps committed when it was found. */
  step,
  /** The newest step at which this tensor was known to be the same in all: it went apart after it. */
  fromStep: step,
  /** The name under which it is registered, such as `model.0.weight`. */
  tensor: z
    .string()
    .min(1)
    .transform(value => cut(value, 1024)),
  /** Index of the first element that differs; empty for a single value. */
  position: z.array(z.int().nonnegative()).max(64),
  /** Ids of the minority; all members where there is no majority. */
  workers: z.array(id).max(MOST_WORKERS),
  action: DivergedAction,
  /** Where all went back to, for `returned`. */
  toStep: step.nullable().default(null),
});
export type Divergence = z.infer<typeof Divergence>;

const Diverged = z.object({ type: z.literal('diverged'), ...Divergence.shape });

const Finishing = z.object({
  type: z.literal('finishing'),
  generation,
  step,
  /** The script ended training early at this step, and why; not said by workers of older images. */
  reason: sentence.nullable().default(null),
});

const Done = z.object({
  type: z.literal('done'),
  step,
  digest: z.string().regex(/^[0-9a-f]{64}$/),
  metrics: Metrics,
});

/** From a launcher: the script, which knows nothing of ftc, runs (or has ended with 0) here, as a member of `generation`. */
const Script = z.object({
  type: z.literal('script'),
  generation,
  state: z.enum(['started', 'ended']),
  at: time,
});

const Leaving = z.object({ type: z.literal('leaving'), step, checkpointed: z.boolean() });

export const ContainerFact = z.object({
  /** The worker's id: its container's hostname. */
  id,
  /** The container's name, for people; never parsed. */
  container: text(255),
  running: z.boolean(),
  paused: z.boolean(),
  exitCode: z.int().nullable(),
  oomKilled: z.boolean(),
  startedAt: time.nullable(),
  /** How often the supervisor started it again. */
  restarts: z.int().nonnegative(),
  /** When the supervisor will start it; null when nothing is planned. */
  startsAt: time.nullable(),
  /** Why the supervisor will not start it any more; null while it would. */
  gaveUp: sentence.nullable(),
});
export type ContainerFact = z.infer<typeof ContainerFact>;

/** All worker containers of the project, whole, after every change. */
const Containers = z.object({
  type: z.literal('containers'),
  workers: z.array(ContainerFact).max(MOST_WORKERS),
});

/** From the supervisor: what it read in a worker's log, before the worker is killed (`stack`) or when it has died (`lines`). */
const Said = z.object({
  type: z.literal('said'),
  worker: id,
  what: z.enum(['stack', 'lines']),
  text: lines,
});
export type Said = z.infer<typeof Said>;

const inboundTypes = {
  ready: Ready,
  heartbeat: Heartbeat,
  committed: Committed,
  broken: Broken,
  checkpoint: CheckpointReport,
  note: Note,
  failed: Failed,
  diverged: Diverged,
  finishing: Finishing,
  done: Done,
  script: Script,
  leaving: Leaving,
  containers: Containers,
  said: Said,
} as const;

/** All that may be said to the master. */
export const inboundNames: ReadonlySet<string> = new Set(['hello', ...Object.keys(inboundTypes)]);

const Hello = z.discriminatedUnion('role', [WorkerHello, SupervisorHello]);
/** What a worker says of itself; that it is a member has been proven by then. */
export type WorkerHello = Omit<z.infer<typeof WorkerHello>, 'nonce' | 'proof'>;

export const Inbound = z.discriminatedUnion('type', [
  Hello,
  ...(Object.values(inboundTypes) as [
    typeof Ready,
    typeof Heartbeat,
    typeof Committed,
    typeof Broken,
    typeof CheckpointReport,
    typeof Note,
    typeof Failed,
    typeof Diverged,
    typeof Finishing,
    typeof Done,
    typeof Script,
    typeof Leaving,
    typeof Containers,
    typeof Said,
  ]),
]);
export type Inbound = z.infer<typeof Inbound>;
