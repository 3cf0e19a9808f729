import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { FtcError } from '../../src/errors.ts';
import type { Hit, World } from './fault.ts';
import { GONE, there } from './again.ts';
import { fault } from './fault.ts';
import { bytes } from './params.ts';

const TRIES = 3;
const WAIT_MS = 5_000;
const LOOK_MS = 30;
/** Reads zeros and keeps them, as there is no line to print. */
const hog = 'head -c "$1" /dev/zero | tail >/dev/null';

/**
 * The memory limit is lowered to a little more than what is used, and the rest is filled: then the kernel ends the largest process,
 * which is the training. The limit is put back before the container starts again.
 */
export const oom = fault({
  name: 'oom',
  summary: 'out of memory: the kernel ends it',
  asks: ['exec', 'limit'],
  targets: ['worker', 'standby', 'master', 'supervisor', 'all'],
  lasting: 'no',
  ends: true,
  example: 'ftc chaos oom worker',
  params: z.strictObject({ room: bytes('memory that is left to it above what it uses', '16m') }),
  data: z.object({ memory: z.int().nonnegative(), memorySwap: z.int().min(-1) }),
  async prepare(world, _, hit, p) {
    const { faults } = world;
    const { id } = hit.container;
    const [{ memory, memorySwap }, used] = await Promise.all([faults.limits(id), faults.memory(id)]);
    const before = { memory, memorySwap };
    const apply = async (): Promise<void> => {
      try {
        const limit = used + p.room;
        await faults.limit(id, { memory: limit, memorySwap: limit });
        await fill(world, hit, p.room);
      } finally {
        await faults.limit(id, before);
      }
    };
    return { data: before, apply };
  },
  async revert(world, record, before) {
    const container = await there(world, record);
    if (!container) return GONE;
    await world.faults.limit(container.id, before);
    return null;
  },
});

async function fill({ faults, hands }: World, { container }: Hit, room: number): Promise<void> {
  const ended = async (): Promise<boolean> => {
    const now = await hands.inspect(container.id);
    return now?.state !== 'running' || now.startedAt !== container.startedAt;
  };
  for (let n = 1; n <= TRIES; n += 1) {
    // It may take the one that fills along, or be gone before it is asked.
    await faults
      .exec(container.id, ['timeout', '20', 'sh', '-c', hog, 'sh', String(2 * n * room)])
      .catch(() => undefined);
    for (let waited = 0; waited < WAIT_MS; waited += LOOK_MS) {
      if (await ended()) return;
      await sleep(LOOK_MS);
    }
  }
  throw new FtcError(
    'FTC_ENGINE_FAILED',
    `the kernel did not end ${container.name}, out of memory as it was`,
  );
}
