/**
 * What a watched run of a job shows, and so what verdicts and reports are made of. Plain JSON. Times are milliseconds since the
 * watch began, unless a name says otherwise; null where not known.
 */
import { z } from 'zod';
import { CheckpointFact } from '../../src/protocol/checkpoint-fact.ts';
import { noCounts, ReplicaCounts } from '../../src/api/replicas.ts';
import { JobState } from '../../src/protocol/job-state.ts';
import { Recovery } from '../../src/api/status.ts';

const t = z.number();

/** What a worker was doing, as far as the master heard. */
export const Doing = z.enum([
  'computing',
  /** For the others, or for its turn. */
  'waiting',
  'regrouping',
  'starting',
  /** Ready, without a rank. */
  'standby',
  'dead',
  /** Its script has ended, or is about to. */
  'done',
  /** The master did not answer. */
  'unknown',
]);
export type Doing = z.infer<typeof Doing>;

const Span = z.object({ from: t, to: t, doing: Doing });

export const Lane = z.object({
  /** The worker's id: its container's hostname. */
  id: z.string(),
  container: z.string().nullable(),
  /** Without gaps, in order. */
  spans: z.array(Span),
});
export type Lane = z.infer<typeof Lane>;

const Struck = z.object({
  container: z.string(),
  /** Its hostname, which is a worker's id. */
  id: z.string(),
  role: z.enum(['master', 'supervisor', 'worker']),
  rank: z.int().nullable(),
});

export const SeenFault = z.object({
  fault: z.string(),
  /** `kill rank 1`, for people. */
  text: z.string(),
  /** Which entry of the method it was, from 0. */
  entry: z.int(),
  /** It was one of several at random. */
  drawn: z.boolean(),
  /** When it was asked for. */
  asked: t,
  /** When it was in force. */
  at: t,
  /** When nothing of it was any more; the same as `at` for what is over at once. */
  until: t.nullable(),
  /** Last step that was committed before, as far as the master had heard. */
  step: z.int(),
  hits: z.array(Struck),
  notes: z.array(z.string()),
  /** What the fault itself recorded of each hit, such as the file that it damaged. */
  data: z.array(z.json()),
});
export type SeenFault = z.infer<typeof SeenFault>;

/** A container that began to run. */
export const Start = z.object({
  at: t,
  container: z.string(),
  role: z.enum(['master', 'supervisor', 'worker']),
  /** Of this container, or of one of its name: not the first time. */
  again: z.boolean(),
});
export type Start = z.infer<typeof Start>;

export const SeenCheckpoint = CheckpointFact.extend({ at: t, text: z.string() });
export type SeenCheckpoint = z.infer<typeof SeenCheckpoint>;

const SeenEvent = z.object({
  at: t,
  level: z.enum(['info', 'warn', 'error']),
  kind: z.string(),
  text: z.string(),
  /** Of the job, where it tells one. */
  step: z.int().nullable().default(null),
});

const Holders = z.object({ generation: z.int(), ids: z.array(z.string()) });

export const Evidence = z.object({
  /** When the watch began, milliseconds since the epoch. */
  origin: z.number(),
  /** The first committed step was seen. */
  firstStep: t.nullable(),
  /** The last look. */
  end: t,
  state: JobState.nullable(),
  reason: z.string().nullable(),
  traceback: z.string().nullable(),
  digest: z.string().nullable(),
  totalSteps: z.int().nullable(),
  target: z.int().nullable(),
  /** Each change of the step, and null from when on the master did not answer. */
  steps: z.array(z.tuple([t, z.int().nullable()])),
  generations: z.array(z.object({ at: t, generation: z.int(), worldSize: z.int() })),
  lanes: z.array(Lane),
  faults: z.array(SeenFault),
  /** Entries of the method that never came about: what, and why. */
  missed: z.array(z.object({ text: z.string(), why: z.string(), drawn: z.boolean() })),
  /** As the master told them; their `at` is since the epoch. */
  recoveries: z.array(Recovery),
  /** As the master told last: how often the workers compared their state, how often it differed, and what was done about it. */
  replicas: ReplicaCounts.default(noCounts),
  /** Who held the newest state, by generation. */
  holders: z.array(Holders),
  starts: z.array(Start),
  checkpoints: z.array(SeenCheckpoint),
  events: z.array(SeenEvent),
  rollbacks: z.array(z.object({ at: t, text: z.string(), error: z.string().nullable() })),
  /** Why it was watched no longer, although the job had not ended. */
  gaveUp: z.string().nullable(),
});
export type Evidence = z.infer<typeof Evidence>;
