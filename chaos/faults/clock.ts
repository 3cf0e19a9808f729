import { FtcError } from '../../src/errors.ts';
import { nothing } from './again.ts';
import { fault } from './fault.ts';
import { none } from './params.ts';

const why =
  "a container's wall clock is the host's: the kernel has namespaces only for clocks that count since the start, and only for processes that begin in them";

/** Here so that whoever looks for it is told. */
export const clock = fault({
  name: 'clock',
  summary: 'the clock is wrong',
  targets: ['worker', 'standby', 'master', 'supervisor', 'all'],
  lasting: { usualMs: 20_000 },
  example: 'ftc chaos list',
  impossible: why,
  params: none,
  data: nothing,
  prepare: () => Promise.reject(new FtcError('FTC_CANNOT', `clock cannot be done: ${why}`)),
  revert: () => Promise.resolve(null),
});
