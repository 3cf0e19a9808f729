/** Which checkpoints are the best, by a metric that the script logs. */
import { z } from 'zod';

export const modes = ['min', 'max'] as const;

export const KeepBest = z.object({
  /** As the script names it in `job.log`. */
  metric: z.string().min(1),
  /** Whether the smallest value is the best, or the largest. */
  mode: z.enum(modes),
  /** How many of the best stay. */
  keep: z.int().positive(),
});
export type KeepBest = Readonly<z.infer<typeof KeepBest>>;

export const keepBestDefault = 1;
