/** What the master answers to `GET /events`, and so what `ftc logs --events --json` prints. */
import { z } from 'zod';
import { Fact } from './fact.ts';

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
  /** What happened, as data; null where a master of a newer version tells of something that this version does not know. */
  fact: Fact.nullable().catch(null),
  /** The same as one line for people: ./wording.ts. No code reads it. */
  text: z.string(),
  generation: z.int(),
  worker: z.string().nullable(),
  rank: z.int().nullable(),
  step: z.int().nullable(),
  /** More lines, where there are some: a stack, or what was printed last. */
  detail: z.string().optional(),
});
export type JobEvent = z.infer<typeof JobEvent>;

/** The kind of event that tells a fact. */
export function kindOf(fact: Fact): JobEvent['kind'] {
  switch (fact.what) {
    case 'generation-formed':
      return 'generation';
    case 'rank-lost':
      return 'loss';
    case 'resumed':
      return 'recovered';
    case 'fully-recovered':
      return 'whole';
    case 'worker-joined':
      return 'joined';
    case 'script-failed':
      return 'error';
    case 'state-changed':
      return 'state';
    case 'container-given-up':
    case 'container-died':
    case 'container-restarted':
      return 'container';
    case 'stall-broken':
    case 'worker-silent':
      return 'hang';
    case 'straggler-found':
    case 'straggler-caught-up':
      return 'straggler';
    case 'replicas-differ':
      return 'replicas';
    case 'stack-read':
    case 'last-words':
      return 'output';
    case 'checkpoint-published':
      // One that went well is routine, but not after others failed.
      return fact.failures > 0 ? 'note' : 'checkpoint';
    case 'checkpoint-failed':
    case 'checkpoint-damaged':
    case 'disk-full':
    case 'disk-stays-full':
      return 'checkpoint';
    case 's3-failing':
    case 's3-answers':
    case 's3-newer':
    case 's3-holds-another':
    case 's3-copy-damaged':
    case 's3-not-copied':
    case 's3-removal-refused':
    case 's3-restored':
    case 's3-not-restored':
      return 's3';
    case 'worker-waiting':
    case 'worker-leaving':
    case 'collective-broken':
    case 'training-ended-early':
    case 'workers-wanted':
    case 'hook-undelivered':
    case 'hook-unknown':
    case 'worker-note':
    case 'checkpoint-loaded':
    case 'checkpoint-quarantined':
      return 'note';
  }
}
