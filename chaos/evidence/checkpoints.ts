/** What the job's events tell of checkpoints. Pure. */
import type { JobEvent } from '../../src/api/event.ts';
import type { SeenCheckpoint } from './evidence.ts';

/** Null for an event about something else. */
export function checkpointOf(
  { text, checkpoint }: Pick<JobEvent, 'text' | 'checkpoint'>,
  at: number,
): SeenCheckpoint | null {
  return checkpoint ? { at, ...checkpoint, text } : null;
}
