import type { JobEvent } from '../../src/api/event.ts';

/** The steps of the checkpoints that the job's workers have loaded, in order. */
export const loadedIn = (events: readonly JobEvent[]): number[] =>
  events.flatMap(({ fact }) => (fact?.what === 'checkpoint-loaded' ? [fact.step] : []));
