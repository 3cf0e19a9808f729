import { z } from 'zod';
import { fault } from './fault.ts';
import { choice, words } from './params.ts';
import { lookAtVolume, revertVolume, VolumeData } from './volume.ts';

const Before = z.object({ checkpoint: z.string(), file: z.string(), bytes: z.number() });

/** Whoever loads it must notice. With `--for` the file is put back, if the checkpoint is still there. */
export const corruptCheckpoint = fault({
  name: 'corrupt-checkpoint',
  summary: 'a file of a checkpoint is cut off, has a bit flipped, or is gone',
  asks: ['volume'],
  targets: ['master', 'worker'],
  lasting: 'maybe',
  example: 'ftc chaos corrupt-checkpoint --how flip',
  helped: true,
  params: z.strictObject({
    how: choice('what is done to it', ['truncate', 'flip', 'delete'], 'truncate'),
    step: words('the checkpoint of this step; the newest without it', /^\d{1,12}$/, 'a step'),
    part: words('the file; the largest without it', /^[\w.-]{1,100}$/, "a file's name"),
  }),
  data: VolumeData,
  tell: ({ act }) => (act.act === 'damage' ? `${act.checkpoint ?? '?'}/${act.file ?? '?'}` : act.act),
  async prepare(world, scene, hit, p, draft) {
    const { how, step = null, part = null } = p;
    const keep = draft.forMs !== null;
    const act = { act: 'damage' as const, how, step, part, keep, seed: scene.seed };
    const { go, cancel, data } = await lookAtVolume(world, hit, draft, act, Before);
    return { data, apply: () => go(), cancel };
  },
  revert: revertVolume,
});
