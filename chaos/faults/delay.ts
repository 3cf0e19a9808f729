import { z } from 'zod';
import { fault } from './fault.ts';
import { directions, NetworkData, prepareNetwork, revertNetwork } from './network.ts';
import { choice, time } from './params.ts';

/** Where the kernel has no netem, each packet waits in the kernel's packet queue until the helper lets it go, in order. */
export const delay = fault({
  name: 'delay',
  summary: 'every packet is held for a while',
  asks: ['network'],
  targets: ['worker', 'standby', 'master', 'supervisor', 'all'],
  lasting: { usualMs: 20_000 },
  example: 'ftc chaos delay worker --time 100ms --jitter 20ms',
  helped: true,
  follows: true,
  needs: 'delay',
  params: z.strictObject({
    time: time('how long', '50ms', 1),
    jitter: time('more or less, at random', '10ms'),
    direction: choice('to: what it sends, from: what it receives', ['to', 'from', 'both'], 'to'),
    by: choice('what does it', ['any', 'netem', 'queue'], 'any'),
  }),
  data: NetworkData,
  prepare: (world, scene, hit, p, draft) =>
    prepareNetwork(world, hit, draft, {
      act: 'delay',
      directions: directions(p.direction),
      delay_ms: p.time,
      jitter_ms: Math.min(p.jitter, p.time),
      by: p.by === 'any' ? null : p.by,
      seed: scene.seed,
    }),
  revert: revertNetwork,
});
