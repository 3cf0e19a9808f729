/** What `GET /status` tells of checkpoints. Times are milliseconds, moments milliseconds since the epoch; null where not known. */
import { z } from 'zod';

const ms = z.number().nonnegative();

const Durable = z.object({
  step: z.int(),
  at: z.number(),
  bytes: z.int(),
  /** Training stood still for the copy. */
  stallMs: ms,
  /** From the end of the copy until it was durable; the next two are part of it. */
  writeMs: ms,
  serialiseMs: ms,
  fsyncMs: ms,
  /** It began so long after it was due. */
  delayedMs: ms,
});

export const CheckpointStatus = z.object({
  /** The last that became durable since the master started. */
  last: Durable.nullable(),
  /** The last that could not be written. */
  failed: z.object({ step: z.int(), at: z.number(), error: z.string() }).nullable(),
  /** How many began late, because the one before was still being written, and for how long together. */
  delayed: z.int(),
  delayedMs: ms,
  /** Those that are known to be damaged, newest first, without those set aside. */
  damaged: z.array(z.object({ step: z.int(), problem: z.string() })),
});
export type CheckpointStatus = z.infer<typeof CheckpointStatus>;

export const noCheckpoints: CheckpointStatus = {
  last: null,
  failed: null,
  delayed: 0,
  delayedMs: 0,
  damaged: [],
};
