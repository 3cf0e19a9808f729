import { z } from 'zod';
import { fault } from './fault.ts';
import { NetworkData, prepareNetwork, revertNetwork } from './network.ts';
import { share } from './params.ts';

export const duplicate = fault({
  name: 'duplicate',
  summary: 'a share of what it sends arrives twice',
  asks: ['network'],
  targets: ['worker', 'standby', 'master', 'supervisor', 'all'],
  lasting: { usualMs: 20_000 },
  example: 'ftc chaos duplicate worker --share 5%',
  helped: true,
  follows: true,
  needs: 'netem',
  params: z.strictObject({ share: share('of what it sends', '5%') }),
  data: NetworkData,
  prepare: (world, _, hit, p, draft) =>
    prepareNetwork(world, hit, draft, { act: 'shape', qdisc: ['netem', 'duplicate', `${p.share * 100}%`] }),
  revert: revertNetwork,
});
