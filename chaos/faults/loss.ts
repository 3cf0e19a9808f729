import { z } from 'zod';
import { fault } from './fault.ts';
import {
  direction,
  directions,
  NetworkData,
  peerNames,
  peers,
  prepareNetwork,
  revertNetwork,
} from './network.ts';
import { share } from './params.ts';

export const loss = fault({
  name: 'loss',
  summary: 'a share of all packets is dropped, at random',
  asks: ['network'],
  targets: ['worker', 'standby', 'master', 'supervisor', 'all'],
  lasting: { usualMs: 20_000 },
  example: 'ftc chaos loss worker --share 20% --for 1m',
  helped: true,
  follows: true,
  needs: 'statistic',
  params: z.strictObject({
    share: share('of all packets', '10%'),
    from: peers(),
    direction: direction(),
  }),
  data: NetworkData,
  prepare: (world, scene, hit, p, draft) =>
    prepareNetwork(world, hit, draft, {
      act: 'filter',
      directions: directions(p.direction),
      match: ['-m', 'statistic', '--mode', 'random', '--probability', p.share.toFixed(6)],
      peers: peerNames(p.from ?? 'all', scene, hit),
    }),
  revert: revertNetwork,
});
