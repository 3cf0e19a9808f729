/** What verifying and pruning checkpoints answers with. */
import { z } from 'zod';
import { KeepBest } from '../job/keep-best.ts';
import { CheckpointRow } from './checkpoint-row.ts';

/** Verifying takes as long as reading does: it answers with lines, of which the last says that all were looked at. */
export const VerifyLine = z.discriminatedUnion('type', [
  /** `bytes` of about `total` have been read. */
  z.object({ type: z.literal('read'), step: z.int(), bytes: z.number(), total: z.number() }),
  z.object({ type: z.literal('checked'), row: CheckpointRow }),
  z.object({ type: z.literal('error'), error: z.string() }),
  z.object({ type: z.literal('end') }),
]);
export type VerifyLine = z.infer<typeof VerifyLine>;

export const Pruned = z.object({
  dryRun: z.boolean(),
  keep: z.int(),
  /** In steps. */
  pinEvery: z.int().nullable(),
  keepBest: KeepBest.nullable().default(null),
  /** What went, or would go; oldest first. */
  removed: z.array(CheckpointRow),
  /** Newest first. */
  kept: z.array(CheckpointRow),
});
export type Pruned = z.infer<typeof Pruned>;
