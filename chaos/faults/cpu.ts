import { z } from 'zod';
import { nothing, sameRun } from './again.ts';
import { fault } from './fault.ts';
import { endMarked, MARK } from './inside.ts';
import { whole } from './params.ts';

/** They end by themselves, should nobody be left to end them. Seconds. */
const MOST = 3600;
const SLACK = 2;

/** Busy processes in the target's own control group: what they use, the training lacks. */
export const cpu = fault({
  name: 'cpu',
  summary: 'busy processes beside the training, within its own share of the CPUs',
  asks: ['exec'],
  targets: ['worker', 'standby', 'master', 'supervisor', 'all'],
  lasting: { usualMs: 20_000 },
  example: 'ftc chaos cpu worker --processes 4 --for 30s',
  params: z.strictObject({ processes: whole('how many', 2, 1, 64) }),
  data: nothing,
  prepare({ faults }, _, { container: { id } }, p, draft) {
    const seconds = draft.forMs === null ? MOST : Math.ceil(draft.forMs / 1000) + SLACK;
    const burn = ['timeout', String(seconds), 'sh', '-c', 'while :; do :; done'];
    const one = () => faults.exec(id, burn, { env: { [MARK]: draft.id }, detach: true });
    const apply = async (): Promise<void> => {
      await Promise.all(Array.from({ length: p.processes }, one));
    };
    return Promise.resolve({ data: {}, apply });
  },
  async revert(world, record) {
    const container = await sameRun(world, record);
    // They ended with the run that they were in.
    if (container) await endMarked(world.faults, container.id, record.id);
    return null;
  },
});
