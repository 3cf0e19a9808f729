import { byCall, GONE, nothing, there } from './again.ts';
import { fault } from './fault.ts';
import { none } from './params.ts';

/** The container is frozen: its connections stay open, and nothing answers. */
export const pause = fault({
  name: 'pause',
  summary: 'frozen: connections stay open, nothing answers',
  asks: ['pause'],
  targets: ['worker', 'standby', 'master', 'supervisor', 'all'],
  lasting: { usualMs: 10_000 },
  example: 'ftc chaos pause worker --for 20s',
  params: none,
  data: nothing,
  prepare: ({ faults }, _, hit) => Promise.resolve(byCall(hit, id => faults.pause(id))),
  async revert(world, record) {
    const container = await there(world, record);
    if (container?.state === 'paused') await world.faults.unpause(container.id);
    return container ? null : GONE;
  },
});
