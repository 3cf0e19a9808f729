import { byCall, nothing } from './again.ts';
import { fault } from './fault.ts';
import { none } from './params.ts';

/** As `docker rm --force`. Of the supervisor nobody would make another one. */
export const remove = fault({
  name: 'remove',
  summary: 'the container is deleted; the supervisor makes another one like it',
  asks: ['remove'],
  targets: ['worker', 'standby', 'master', 'all'],
  lasting: 'no',
  ends: true,
  example: 'ftc chaos remove worker --rank 1',
  params: none,
  data: nothing,
  prepare: ({ faults }, _, hit) => Promise.resolve(byCall(hit, id => faults.remove(id))),
  revert: () => Promise.resolve(null),
});
