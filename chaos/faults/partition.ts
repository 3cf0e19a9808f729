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

/** Dropped without a word, as by a switch that is gone: connections stay open until somebody gives up. */
export const partition = fault({
  name: 'partition',
  summary: 'cut off from the network, or from some of the others',
  asks: ['network'],
  targets: ['worker', 'standby', 'master', 'supervisor', 'all'],
  lasting: { usualMs: 10_000 },
  example: 'ftc chaos partition worker --rank 1 --from master --for 20s',
  helped: true,
  follows: true,
  needs: 'filter',
  params: z.strictObject({ from: peers(), direction: direction() }),
  data: NetworkData,
  prepare: (world, scene, hit, p, draft) =>
    prepareNetwork(world, hit, draft, {
      act: 'filter',
      directions: directions(p.direction),
      match: [],
      peers: peerNames(p.from ?? 'all', scene, hit),
    }),
  revert: revertNetwork,
});
