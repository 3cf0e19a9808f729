import { z } from 'zod';
import { fault } from './fault.ts';
import { NetworkData, prepareNetwork, revertNetwork } from './network.ts';
import { share } from './params.ts';

export const corrupt = fault({
  name: 'corrupt',
  summary: 'a bit of a share of what it sends is flipped',
  asks: ['network'],
  targets: ['worker', 'standby', 'master', 'supervisor', 'all'],
  lasting: { usualMs: 20_000 },
  example: 'ftc chaos corrupt worker --share 5%',
  helped: true,
  follows: true,
  needs: 'netem',
  params: z.strictObject({ share: share('of what it sends', '5%') }),
  data: NetworkData,
  prepare: (world, _, hit, p, draft) =>
    prepareNetwork(world, hit, draft, { act: 'shape', qdisc: ['netem', 'corrupt', `${p.share * 100}%`] }),
  revert: revertNetwork,
});
