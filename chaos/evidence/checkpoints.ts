/** What the job's events tell of checkpoints. Pure. */
import type { JobEvent } from '../../src/master/status.ts';
import type { SeenCheckpoint } from './evidence.ts';

const LOADED = /^resuming from the checkpoint of step (\d+)/;
const ASIDE = /^checkpoint step-0*(\d+) (?:set aside|is not used)/;
const PUBLISHED = /^checkpoint of step (\d+) is durable/;
const FAILED = /^checkpoint of step (\d+) failed/;

const forms = [
  ['loaded', LOADED],
  ['set aside', ASIDE],
  ['published', PUBLISHED],
  ['failed', FAILED],
] as const;

/** Null for an event about something else. */
export function checkpointOf({ text }: Pick<JobEvent, 'text'>, at: number): SeenCheckpoint | null {
  for (const [what, form] of forms) {
    const [, step] = form.exec(text) ?? [];
    if (step !== undefined) return { at, step: Number(step), what, text };
  }
  return null;
}
