/** What the master answers to `GET /events`, and so what `ftc logs --events --json` prints. */
import { z } from 'zod';
import { CheckpointFact } from '../protocol/checkpoint-fact.ts';

/** One line of the job's history: a fault, a recovery, a generation, a checkpoint. `GET /events?after=SEQ`. */
export const JobEvent = z.object({
  seq: z.int(),
  at: z.number(),
  kind: z.enum([
    'generation',
    'loss',
    'recovered',
    'whole',
    'joined',
    'checkpoint',
    'error',
    'state',
    'note',
    'container',
    /** Nothing moved, and somebody is held to account. */
    'hang',
    /** A rank is far slower than the others, or keeps up again. */
    'straggler',
    /** Copies of checkpoints in S3. */
    's3',
    /** Workers did not hold the same state. */
    'replicas',
    /** What a worker's log tells of its end. */
    'output',
  ]),
  level: z.enum(['info', 'warn', 'error']),
  /** One line for people. */
  text: z.string(),
  generation: z.int(),
  worker: z.string().nullable(),
  rank: z.int().nullable(),
  step: z.int().nullable(),
  /** More lines, where there are some: a stack, or what was printed last. */
  detail: z.string().optional(),
  /** Where the event is about a checkpoint that was published, loaded or set aside, or could not be written. */
  checkpoint: CheckpointFact.optional(),
});
export type JobEvent = z.infer<typeof JobEvent>;
