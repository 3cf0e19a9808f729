/** How the copies in S3 stand: a part of `GET /status`. Null where not known. */
import { z } from 'zod';

export const S3Status = z.object({
  /** `s3://bucket/prefix/job`. */
  target: z.string(),
  /**
   * `retrying`: it cannot be reached, or fails. `refused`: it answers, and says no, or is no store that copies can be kept in. Both are
   * tried again for ever.
   */
  state: z.enum(['ok', 'retrying', 'refused']),
  /** Checkpoints that are still to be copied, and their bytes; one that is being copied included. */
  backlogSteps: z.int(),
  backlogBytes: z.int(),
  /** The step that is being copied. */
  uploading: z.int().nullable(),
  /** The highest step of this run that is there, verified and whole. */
  uploadedStep: z.int().nullable(),
  /** The step that an empty volume was filled with. */
  restoredStep: z.int().nullable(),
  /** The newest step there, where it is newer than this run's. */
  newerStep: z.int().nullable(),
  /** Why it does not go on; null while it does. */
  lastError: z.string().nullable(),
  /** Milliseconds since the epoch. */
  nextTryAt: z.number().nullable(),
});
export type S3Status = z.infer<typeof S3Status>;
