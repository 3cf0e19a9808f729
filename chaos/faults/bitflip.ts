import { z } from 'zod';
import { look, type Place } from '../helper/helper.ts';
import { fault } from './fault.ts';
import { choice, maybeWhole, words } from './params.ts';

/** Of what was flipped, as the helper tells it: images/chaos/ftc_chaos/bitflip.py. */
const Flip = z.object({
  /** The name that it is registered by: `model.0.weight`. */
  tensor: z.string(),
  kind: z.enum(['parameter', 'moment', 'buffer']),
  dtype: z.string(),
  shape: z.array(z.int()),
  /** Of the element, in the tensor's memory, and along each of its dimensions. */
  index: z.int(),
  position: z.array(z.int()),
  /** 0 is the lowest. */
  bit: z.int(),
  /** The element before and after, as text: JSON has no NaN. */
  old: z.string(),
  new: z.string(),
});

/** It sees the processes of its target, and may change their memory; SETUID is to open their files as their user. */
const place = (containerId: string): Place => ({
  network: null,
  processes: containerId,
  capabilities: ['SYS_PTRACE', 'SETUID'],
  mounts: [],
});

/** Nothing in the worker takes part in it. Nothing undoes it: the workers find it themselves when they compare their states. */
export const bitflip = fault({
  name: 'bitflip',
  summary: "one bit of a parameter, a moment or a buffer flips in a worker's memory",
  asks: ['processes'],
  targets: ['worker'],
  lasting: 'no',
  example: 'ftc chaos bitflip worker --rank 1 --kind moment',
  corrupts: true,
  helped: true,
  params: z.strictObject({
    tensor: words(
      'the tensor, by its registered name or a pattern such as "model.*"; any without it',
      /^\S{1,300}$/,
      'a tensor\'s name, or a pattern such as "model.*"',
    ),
    bit: maybeWhole('the bit of the element, from 0, the lowest; any without it', 0, 127),
    kind: choice('what is hit', ['any', 'parameter', 'moment', 'buffer'], 'any'),
  }),
  data: Flip,
  tell: ({ tensor, position, bit, ...was }) =>
    `${tensor}[${position.join(', ')}], bit ${bit}: ${was.old} became ${was.new}`,
  async prepare(world, { seed }, { container, rank }, p, draft) {
    const { tensor = null, bit = null, kind } = p;
    // Two workers that are hit at once must not get the same flip: their states would agree.
    const act = {
      act: 'bitflip' as const,
      tensor,
      bit,
      kind,
      seed: `${seed} ${rank === null ? container.hostname : `rank ${rank}`}`,
    };
    const looked = await look(world, draft, act, place(container.id), Flip);
    return {
      data: looked.before,
      apply: async () => Flip.parse(await looked.ask()),
      cancel: looked.cancel,
    };
  },
  revert: () => Promise.resolve('a bit that is flipped stays flipped: nobody knows what came of it since'),
});
