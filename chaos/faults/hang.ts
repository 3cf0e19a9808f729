import { z } from 'zod';
import { GONE, LATER, sameRun, there } from './again.ts';
import { fault } from './fault.ts';
import { lookInside, signalInside } from './inside.ts';
import { none } from './params.ts';

/** SIGSTOP to all that the container runs: to the engine it looks healthy. */
export const hang = fault({
  name: 'hang',
  summary: 'its processes stand still, while the container looks healthy',
  asks: ['exec'],
  targets: ['worker', 'standby', 'master', 'supervisor', 'all'],
  lasting: { usualMs: 10_000 },
  example: 'ftc chaos hang worker --rank 0 --for 20s',
  params: none,
  data: z.object({ pids: z.array(z.int().positive()), uid: z.int().nonnegative() }),
  async prepare({ faults }, _, { container: { id } }) {
    const { all, uid } = await lookInside(faults, id);
    return { data: { pids: [...all], uid }, apply: () => signalInside(faults, id, uid, 'STOP', all) };
  },
  async revert(world, record, { pids, uid }) {
    const container = await sameRun(world, record);
    if (!container) return (await there(world, record)) ? LATER : GONE;
    await signalInside(world.faults, container.id, uid, 'CONT', pids);
    return null;
  },
});
