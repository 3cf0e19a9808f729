import type { Fault } from './fault.ts';

/** The container is frozen: its connections stay open, and nothing answers. */
export const pause: Fault = {
  apply: (engine, { id }) => engine.pause(id),
  revert: (engine, { id }) => engine.unpause(id),
};
