import { z } from 'zod';
import { GONE, there } from './again.ts';
import { fault } from './fault.ts';
import { fraction } from './params.ts';

const PERIOD = 100_000;

/** A quota, which holds over restarts: a machine that is slow, not one that has a bad moment. */
export const slow = fault({
  name: 'slow',
  summary: 'throttled to a fraction of a CPU',
  asks: ['limit'],
  targets: ['worker', 'standby', 'master', 'supervisor', 'all'],
  lasting: { usualMs: 20_000 },
  example: 'ftc chaos slow worker --cpus 0.1 --for 30s',
  params: z.strictObject({ cpus: fraction('CPUs that are left to it', 0.2, 0.01, 1000) }),
  data: z.object({
    nanoCpus: z.int().nonnegative(),
    cpuQuota: z.int().min(-1),
    cpuPeriod: z.int().nonnegative(),
  }),
  async prepare({ faults }, _, { container: { id } }, p) {
    const { nanoCpus, cpuQuota, cpuPeriod } = await faults.limits(id);
    // The engine takes only the way in which it was told before.
    const wanted =
      nanoCpus > 0
        ? { nanoCpus: Math.round(p.cpus * 1e9) }
        : { cpuQuota: Math.round(p.cpus * PERIOD), cpuPeriod: PERIOD };
    return { data: { nanoCpus, cpuQuota, cpuPeriod }, apply: () => faults.limit(id, wanted) };
  },
  async revert(world, record, before) {
    const container = await there(world, record);
    if (!container) return GONE;
    await world.faults.limit(container.id, before);
    return null;
  },
});
