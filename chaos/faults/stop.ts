import { byCall, nothing, startAgain } from './again.ts';
import { fault } from './fault.ts';
import { none } from './params.ts';

/** SIGTERM, as `docker stop` begins: a worker leaves at the next step boundary. */
export const stop = fault({
  name: 'stop',
  summary: 'SIGTERM: a worker finishes its step and leaves',
  targets: ['worker', 'standby', 'master', 'supervisor', 'all'],
  lasting: 'maybe',
  example: 'ftc chaos stop worker',
  ends: true,
  params: none,
  data: nothing,
  prepare: ({ hands }, _, hit) => Promise.resolve(byCall(hit, id => hands.kill(id, 'SIGTERM'))),
  revert: startAgain,
});
