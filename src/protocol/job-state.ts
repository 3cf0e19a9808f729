/** Where a job stands: in the status, in the journal, and on the way to the supervisor. */
import { z } from 'zod';

export const JobState = z.enum([
  /** Too few workers are ready; `reason` says what is waited for. */
  'waiting',
  'running',
  /** The loop is over; scripts are returning. */
  'finishing',
  'stopping',
  /** Stopped on request, with a checkpoint; `ftc up` goes on from there. */
  'stopped',
  'succeeded',
  'failed',
]);
export type JobState = z.infer<typeof JobState>;

/** Nothing happens any more until somebody starts the job again. */
export const hasEnded = (state: JobState): boolean =>
  state === 'succeeded' || state === 'failed' || state === 'stopped';
