import { z } from 'zod';
import { byCall, nothing, startAgain } from './again.ts';
import { fault } from './fault.ts';
import { whole } from './params.ts';

/** As `docker restart`. */
export const restart = fault({
  name: 'restart',
  summary: 'stopped and started again by the engine',
  asks: ['restart'],
  targets: ['worker', 'standby', 'master', 'supervisor', 'all'],
  lasting: 'no',
  example: 'ftc chaos restart master --grace 0',
  ends: true,
  params: z.strictObject({ grace: whole('seconds between SIGTERM and SIGKILL', 10, 0, 600) }),
  data: nothing,
  prepare: ({ faults }, _, hit, p) => Promise.resolve(byCall(hit, id => faults.restart(id, p.grace))),
  revert: startAgain,
});
