import { z } from 'zod';
import { FtcError } from '../../src/errors.ts';
import { bytes as inWords } from '../../src/shared/bytes.ts';
import { fault } from './fault.ts';
import { bytes } from './params.ts';
import { lookAtVolume, revertVolume, VolumeData } from './volume.ts';

const Before = z.object({ total: z.number(), free: z.number(), shared: z.boolean() });

/** One file takes all that is free in the volume. Never on the engine's own disk. */
export const diskFull = fault({
  name: 'disk-full',
  summary: 'the checkpoint volume is full (one that has a size of its own)',
  asks: ['volume'],
  targets: ['master', 'worker'],
  lasting: { usualMs: 20_000 },
  example: 'ftc chaos disk-full --max 256m --for 30s',
  helped: true,
  params: z.strictObject({ max: bytes('what may be taken at most', '1g') }),
  data: VolumeData,
  async prepare(world, scene, hit, p, draft) {
    const { before, go, cancel, data } = await lookAtVolume(world, hit, draft, { act: 'fill' }, Before);
    const why = refusal(before, p.max);
    if (why === null) return { data, apply: () => go({ most: p.max }), cancel };
    await cancel();
    throw new FtcError('FTC_CANNOT', `disk-full cannot be done here: ${why}`, {
      hint: `Give the job a volume of a size of its own before "ftc up": docker volume create --opt type=tmpfs --opt device=tmpfs --opt o=size=64m,mode=1777 ${scene.project}_checkpoints`,
    });
  },
  revert: revertVolume,
});

/** Why a volume is not to be filled; null where it may be. Pure. */
export function refusal({ free, shared }: z.output<typeof Before>, most: number): string | null {
  if (shared) return "the volume lies on the engine's own disk, and all that runs there would be full, too";
  if (free <= most) return null;
  return `the volume has ${inWords(free)} free, more than the ${inWords(most)} that may be taken (--max)`;
}
