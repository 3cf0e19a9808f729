/** What the environment of a container says about a job's checkpoints. compose/environment.ts renders it. */
import { mounts } from '../shared/names.ts';
import { z } from 'zod';
import { KeepBest } from '../job/keep-best.ts';
import type { Retention } from './retention.ts';

export const CheckpointEnvironment = z.object({
  CHECKPOINT_DIR: z.string().default(mounts.checkpoints),
  CHECKPOINT_EVERY: z.coerce.number().int().positive().default(50),
  FTC_CHECKPOINT_KEEP: z.coerce.number().int().positive().default(3),
  FTC_CHECKPOINT_KEEP_EVERY: z.coerce.number().int().positive().nullable().default(null),
  FTC_CHECKPOINT_KEEP_BEST: z.string().transform(parseJson).pipe(KeepBest).nullable().default(null),
});

export interface CheckpointPolicy extends Retention {
  /** The job's own directory in the volume. */
  readonly directory: string;
  /** Steps between two. */
  readonly every: number;
}

export function policyOf(e: z.output<typeof CheckpointEnvironment>, job: string): CheckpointPolicy {
  return {
    directory: `${e.CHECKPOINT_DIR}/${job}`,
    every: e.CHECKPOINT_EVERY,
    keep: e.FTC_CHECKPOINT_KEEP,
    pinEvery: pinEvery(e.FTC_CHECKPOINT_KEEP_EVERY, e.CHECKPOINT_EVERY),
    keepBest: e.FTC_CHECKPOINT_KEEP_BEST,
  };
}

/** In steps. */
export function pinEvery(keepEvery: number | null, every: number): number | null {
  return keepEvery === null ? null : keepEvery * every;
}

function parseJson(text: string, context: z.RefinementCtx): unknown {
  try {
    return JSON.parse(text);
  } catch {
    context.issues.push({ code: 'custom', message: 'must be JSON', input: text });
    return z.NEVER;
  }
}
