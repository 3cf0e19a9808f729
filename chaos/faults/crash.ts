import { z } from 'zod';
import { nothing, startAgain } from './again.ts';
import { fault } from './fault.ts';
import { lookInside, signalInside } from './inside.ts';
import { signal } from './params.ts';

/** The engine was not asked: where a restart policy is set, it applies. */
export const crash = fault({
  name: 'crash',
  summary: 'the process inside dies by itself, and its container exits with its code',
  targets: ['worker', 'standby', 'master', 'supervisor', 'all'],
  lasting: 'no',
  ends: 'maybe',
  example: 'ftc chaos crash worker --signal ABRT',
  params: z.strictObject({ signal: signal('what it dies of', 'SIGSEGV') }),
  data: nothing,
  async prepare({ lab }, _, { container: { id } }, p) {
    const { main, uid } = await lookInside(lab, id);
    return { data: {}, apply: () => signalInside(lab, id, uid, p.signal, [main]) };
  },
  revert: startAgain,
});
