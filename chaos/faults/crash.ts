import { z } from 'zod';
import { nothing, startAgain } from './again.ts';
import { fault } from './fault.ts';
import { lookInside, signalInside } from './inside.ts';
import { signal } from './params.ts';

/** The engine was not asked: where a restart policy is set, it applies. */
export const crash = fault({
  name: 'crash',
  summary: 'the process inside dies by itself, and its container exits with its code',
  asks: ['exec'],
  targets: ['worker', 'standby', 'master', 'supervisor', 'all'],
  lasting: 'no',
  ends: 'maybe',
  example: 'ftc chaos crash worker --signal ABRT',
  params: z.strictObject({ signal: signal('what it dies of', 'SIGSEGV') }),
  data: nothing,
  async prepare({ faults }, _, { container: { id } }, p) {
    const { main, uid } = await lookInside(faults, id);
    return { data: {}, apply: () => signalInside(faults, id, uid, p.signal, [main]) };
  },
  revert: startAgain,
});
