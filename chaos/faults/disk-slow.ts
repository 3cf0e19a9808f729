import { z } from 'zod';
import { fault } from './fault.ts';
import { bytes, whole } from './params.ts';
import { lookAtVolume, revertVolume, VolumeData } from './volume.ts';

const Before = z.object({ total: z.number(), free: z.number() });

/**
 * A helper writes and syncs beside the checkpoints, in a file of bounded size. Not by the kernel's throttling: the engine
 * cannot change that of a container that runs, and with the first kind of control groups it leaves out what is written through the page cache.
 */
export const diskSlow = fault({
  name: 'disk-slow',
  summary: 'the disk under the checkpoint volume is busy: others write and sync there',
  asks: ['volume'],
  targets: ['master', 'worker'],
  lasting: { usualMs: 20_000 },
  example: 'ftc chaos disk-slow --writers 4 --for 30s',
  helped: true,
  params: z.strictObject({
    writers: whole('processes that write', 2, 1, 32),
    bytes: bytes('the size of their file', '64m'),
  }),
  data: VolumeData,
  async prepare(world, _, hit, p, draft) {
    const act = { act: 'storm' as const, writers: p.writers, bytes: p.bytes };
    const { go, cancel, data } = await lookAtVolume(world, hit, draft, act, Before);
    return { data, apply: () => go(), cancel };
  },
  revert: revertVolume,
});
