/** One checkpoint as the catalogue tells of it: `GET /checkpoints`, and so `ftc checkpoints --json`. Null where not known. */
import { z } from 'zod';

export const CheckpointState = z.enum([
  /** Every file was read whole and has the SHA-256 of the manifest, and has not changed since. */
  'valid',
  /** Whole by its sizes. Nobody has looked at the bytes. */
  'unverified',
  /** Never loaded; `problem` says why. */
  'damaged',
  /** The user that looks may not read it, as `problem` says: nothing is known of it. Never loaded, set aside or removed. */
  'unreadable',
  /** A worker found it damaged and gave it another name. Never loaded, never removed. */
  'aside',
]);
export type CheckpointState = z.infer<typeof CheckpointState>;

/** The `code` of a refusal where there is no such checkpoint, or no such file in it. */
export const noCheckpoint = 'no-checkpoint';

export const CheckpointRow = z.object({
  step: z.int(),
  /** Its directory: `step-00000100`, or `.bad-step-00000100-1` for one set aside. */
  name: z.string(),
  generation: z.int().nullable(),
  /** ISO 8601. */
  createdAt: z.string().nullable(),
  /** Of all files in the directory. */
  bytes: z.int(),
  state: CheckpointState,
  /** When it was last read whole, milliseconds since the epoch. */
  checkedAt: z.number().nullable(),
  /** What is wrong with it. */
  problem: z.string().nullable(),
  /** `LATEST` names it. */
  latest: z.boolean(),
  /** Kept for good, as every `keepEvery`-th is. */
  pinned: z.boolean(),
  /** What the script logged in its step, by name. */
  metrics: z.record(z.string(), z.number()).default({}),
  /** The metric that `keepBest` goes by; null without that rule, or where this one lacks it. */
  score: z.object({ metric: z.string(), value: z.number() }).nullable().default(null),
  /** Kept as one of the best by that metric. */
  best: z.boolean().default(false),
});
export type CheckpointRow = z.infer<typeof CheckpointRow>;

/** It may be loaded, as far as is known. */
export const isGood = ({ state }: Pick<CheckpointRow, 'state'>): boolean =>
  state === 'valid' || state === 'unverified';

/** Newest first; one that was set aside after the one that took its place. */
export const byStep = (a: CheckpointRow, b: CheckpointRow): number =>
  b.step - a.step ||
  Number(a.state === 'aside') - Number(b.state === 'aside') ||
  a.name.localeCompare(b.name);
