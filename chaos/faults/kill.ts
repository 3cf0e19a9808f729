import { z } from 'zod';
import { byCall, nothing, startAgain } from './again.ts';
import { fault } from './fault.ts';
import { signal } from './params.ts';

/** Through the engine's API, as `docker kill`: no restart policy applies. Starting it again is the supervisor's. */
export const kill = fault({
  name: 'kill',
  summary: 'a signal through the engine, SIGKILL unless another is named',
  targets: ['worker', 'standby', 'master', 'supervisor', 'all'],
  lasting: 'no',
  example: 'ftc chaos kill worker --rank 0',
  ends: true,
  params: z.strictObject({ signal: signal('signal to send', 'SIGKILL') }),
  data: nothing,
  prepare: ({ engine }, _, hit, p) => Promise.resolve(byCall(hit, id => engine.kill(id, p.signal))),
  revert: startAgain,
});
