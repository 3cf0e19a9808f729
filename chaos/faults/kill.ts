import type { Fault } from './fault.ts';

/** SIGKILL through the engine's API, as `docker kill`: no restart policy applies. Starting it again is the supervisor's. */
export const kill: Fault = {
  apply: (engine, { id }) => engine.kill(id, 'SIGKILL'),
  revert: (engine, { id }) => engine.start(id),
};
