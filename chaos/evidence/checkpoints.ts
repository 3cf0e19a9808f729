/** What the job's events tell of checkpoints. Pure. */
import type { JobEvent } from '../../src/api/event.ts';
import type { Fact } from '../../src/api/fact.ts';
import type { SeenCheckpoint } from './evidence.ts';

/** Null for an event about something else. */
export function checkpointOf(
  { fact, text }: Pick<JobEvent, 'fact' | 'text'>,
  at: number,
): SeenCheckpoint | null {
  const what = fact === null ? undefined : seen[fact.what];
  const step = fact !== null && 'step' in fact ? fact.step : null;
  return what === undefined || step === null ? null : { at, what, step, text };
}

const seen: Readonly<Partial<Record<Fact['what'], SeenCheckpoint['what']>>> = {
  'checkpoint-published': 'published',
  'checkpoint-failed': 'failed',
  'checkpoint-loaded': 'loaded',
  'checkpoint-quarantined': 'set aside',
};
