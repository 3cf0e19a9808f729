/** What has happened to a checkpoint, beside the sentence that tells it. */
import { z } from 'zod';

/** What workers tell of checkpoints that they find. */
export const Found = z.object({
  /** `set aside`: it does not verify, and is not used. */
  what: z.enum(['loaded', 'set aside']),
  step: z.int().nonnegative(),
});
export type Found = z.infer<typeof Found>;

export const CheckpointFact = z.object({
  what: z.enum(['published', 'failed', ...Found.shape.what.options]),
  step: z.int().nonnegative(),
});
export type CheckpointFact = z.infer<typeof CheckpointFact>;
