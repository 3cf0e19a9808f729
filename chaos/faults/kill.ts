import { z } from 'zod';
import { byCall, nothing, startAgain } from './again.ts';
import { fault } from './fault.ts';
import { signal } from './params.ts';

/** Signals that a container's init keeps for itself, by Linux's numbers; as init, it does not die of them. */
const kept = { ILL: 4, TRAP: 5, ABRT: 6, BUS: 7, FPE: 8, SEGV: 11, SYS: 31 };
const keptNames = new Set(Object.entries(kept).flatMap(([name, number]) => [`SIG${name}`, String(number)]));

/** Through the engine's API, as `docker kill`: no restart policy applies. Starting it again is the supervisor's. */
export const kill = fault({
  name: 'kill',
  summary: 'a signal through the engine, SIGKILL unless another is named',
  targets: ['worker', 'standby', 'master', 'supervisor', 'all'],
  lasting: 'no',
  example: 'ftc chaos kill worker --rank 0',
  ends: 'maybe',
  params: z.strictObject({
    signal: signal('signal to send', 'SIGKILL', {
      but: name => keptNames.has(name.replace(/^0+/, '')),
      message: 'must be a signal that a container hands on to its program ("ftc chaos crash" sends any)',
    }),
  }),
  data: nothing,
  prepare: ({ hands }, _, hit, p) => Promise.resolve(byCall(hit, id => hands.kill(id, p.signal))),
  revert: startAgain,
});
