/**
 * What happened in a job, as data: `what` it was, and its fields. Code decides by these and never by a sentence; the sentences are made
 * last, in ./wording.ts, for people. Names end in their unit: `Ms` is milliseconds. Steps are committed steps. A worker's `name` is that
 * of its container, for people; its id is in the event.
 */
import { z } from 'zod';
import { JobState } from '../protocol/job-state.ts';
import { LossCause } from './loss-cause.ts';
import { Mismatch } from './replicas.ts';

const step = z.int().nonnegative();
const ms = z.number().nonnegative();
const rank = z.int().nonnegative();

/** Why there is a new generation. */
export const Regrouping = z.discriminatedUnion('why', [
  z.object({ why: z.literal('start') }),
  z.object({ why: z.literal('lost') }),
  /** These workers left on request, which is no fault. */
  z.object({ why: z.literal('left'), names: z.array(z.string()) }),
  z.object({ why: z.literal('broken-collective') }),
  /** All waited for each other. */
  z.object({ why: z.literal('deadlock') }),
  z.object({ why: z.literal('resize'), grows: z.boolean(), restartsScripts: z.boolean() }),
]);
export type Regrouping = z.infer<typeof Regrouping>;

/** Someone differs in one tensor, and what was done about it. `named`: those of the workers that are named one by one, and their ranks. */
const Differing = Mismatch.extend({
  named: z.array(z.object({ name: z.string(), rank: rank.nullable() })),
  /** How many members agree with each other; null where the generation is not known any more. */
  others: z.int().nullable(),
});

const membership = [
  z.object({ what: z.literal('generation-formed'), size: z.int().nonnegative(), because: Regrouping }),
  z.object({ what: z.literal('worker-joined'), name: z.string(), rank, promoted: z.boolean() }),
  z.object({ what: z.literal('worker-waiting'), name: z.string() }),
  z.object({ what: z.literal('worker-leaving'), name: z.string(), step: step.nullable() }),
  z.object({
    what: z.literal('rank-lost'),
    name: z.string(),
    rank: rank.nullable(),
    step: step.nullable(),
    /** Of all that were lost with it. */
    causes: z.array(LossCause),
  }),
  /** `step` is the first that was committed after the loss; null for scripts that know nothing of ftc: they run again. */
  z.object({
    what: z.literal('resumed'),
    step: step.nullable(),
    afterMs: ms,
    stepsLost: z.int().nonnegative(),
  }),
  z.object({ what: z.literal('fully-recovered'), ranks: z.int().positive(), afterMs: ms }),
  z.object({ what: z.literal('collective-broken'), name: z.string() }),
  z.object({ what: z.literal('script-failed'), name: z.string(), message: z.string() }),
  z.object({ what: z.literal('training-ended-early'), step, reason: z.string() }),
  z.object({ what: z.literal('workers-wanted'), wanted: z.int().positive() }),
  z.object({ what: z.literal('state-changed'), state: JobState, reason: z.string().nullable() }),
] as const;

const trouble = [
  z.object({
    what: z.literal('stall-broken'),
    why: z.enum(['nothing-moves', 'collective-breaks']),
    replaced: z.array(z.string()),
  }),
  z.object({ what: z.literal('worker-silent'), name: z.string() }),
  /** `at`: the innermost line of the script's own code in its main thread. */
  z.object({ what: z.literal('stack-read'), name: z.string(), at: z.string() }),
  z.object({ what: z.literal('last-words'), name: z.string(), line: z.string() }),
  z.object({
    what: z.literal('straggler-found'),
    name: z.string(),
    rank,
    factor: z.number(),
    sliceMs: ms,
    othersMs: ms,
  }),
  z.object({ what: z.literal('straggler-caught-up'), name: z.string(), rank }),
  Differing.extend({ what: z.literal('replicas-differ') }),
  z.object({ what: z.literal('container-given-up'), container: z.string(), reason: z.string() }),
  z.object({
    what: z.literal('container-died'),
    container: z.string(),
    exitCode: z.int().nullable(),
    oomKilled: z.boolean(),
  }),
  z.object({ what: z.literal('container-restarted'), container: z.string() }),
  z.object({
    what: z.literal('hook-undelivered'),
    hook: z.string(),
    host: z.string(),
    tries: z.int(),
    outcome: z.string(),
  }),
  z.object({ what: z.literal('hook-unknown'), hooks: z.array(z.string()), reason: z.string() }),
  /** A sentence of a worker's runtime. */
  z.object({ what: z.literal('worker-note'), text: z.string() }),
] as const;

/** The newest that is left beside one that is damaged. */
const Left = z.object({ step, verified: z.boolean() }).nullable();

/** Why no checkpoint may be removed although the disk is full: `good` are left, of which some are pinned, or the best. */
const Kept = z.object({ good: z.int(), pinned: z.int(), best: z.int(), only: step.nullable() });

const checkpoints = [
  z.object({
    what: z.literal('checkpoint-published'),
    step,
    bytes: z.int().nonnegative(),
    stallMs: ms,
    writeMs: ms,
    /** How long after it was due it was begun, because the disk was slow; 0 where it did not wait. */
    lateMs: ms,
    /** How many failed before it. */
    failures: z.int().nonnegative(),
  }),
  z.object({
    what: z.literal('checkpoint-failed'),
    step,
    reason: z.string().nullable(),
    code: z.string().nullable(),
  }),
  z.object({ what: z.literal('checkpoint-loaded'), step }),
  /** It does not verify, and is not used. `text`: the worker's own words. */
  z.object({ what: z.literal('checkpoint-quarantined'), step, text: z.string() }),
  z.object({
    what: z.literal('checkpoint-damaged'),
    step,
    problem: z.string(),
    left: Left,
    /** S3 holds a copy. */
    copied: z.boolean(),
  }),
  /** The disk is full. Checkpoints of these steps were removed, by the retention rules or to make room. */
  z.object({
    what: z.literal('disk-full'),
    removed: z.array(step),
    byRetention: z.boolean(),
    left: step.nullable(),
  }),
  z.object({ what: z.literal('disk-stays-full'), kept: Kept }),
] as const;

/** How an exchange with S3 failed (src/master/s3/failure.ts). */
const S3Failure = z.enum(['unreachable', 'refused', 'unfit', 'local']);

const s3 = [
  /** `doing`: what waits for it. `reason`: the answer, or the lack of one. */
  z.object({
    what: z.literal('s3-failing'),
    doing: z.enum(['copying', 'restoring']),
    kind: S3Failure,
    reason: z.string(),
  }),
  z.object({ what: z.literal('s3-answers'), toCopy: z.int().nonnegative() }),
  z.object({ what: z.literal('s3-newer'), step, here: step }),
  z.object({ what: z.literal('s3-holds-another'), step }),
  z.object({ what: z.literal('s3-copy-damaged'), step, reason: z.string(), copiedAgain: z.boolean() }),
  z.object({ what: z.literal('s3-not-copied'), step, reason: z.string() }),
  z.object({ what: z.literal('s3-removal-refused') }),
  z.object({ what: z.literal('s3-restored'), step, bytes: z.int().nonnegative(), tookMs: ms }),
  /** `triedMs`: how long; null where waiting could not help. */
  z.object({ what: z.literal('s3-not-restored'), reason: z.string(), triedMs: ms.nullable() }),
] as const;

export const Fact = z.discriminatedUnion('what', [...membership, ...trouble, ...checkpoints, ...s3]);
export type Fact = z.infer<typeof Fact>;
export type FactOf<What extends Fact['what']> = Extract<Fact, { what: What }>;
