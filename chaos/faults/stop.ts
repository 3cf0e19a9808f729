import type { Fault } from './fault.ts';

/** SIGTERM, as `docker stop` begins: a worker leaves at the next step boundary. */
export const stop: Fault = {
  apply: (engine, { id }) => engine.kill(id, 'SIGTERM'),
  revert: (engine, { id }) => engine.start(id),
};
