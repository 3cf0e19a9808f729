import { z } from 'zod';
import { fault } from './fault.ts';
import { NetworkData, prepareNetwork, revertNetwork } from './network.ts';
import { bitrate } from './params.ts';

/** A bucket of ten milliseconds; what waits longer than 400 ms is dropped. */
export const rate = fault({
  name: 'rate',
  summary: 'what it sends goes out slowly',
  asks: ['network'],
  targets: ['worker', 'standby', 'master', 'supervisor', 'all'],
  lasting: { usualMs: 20_000 },
  example: 'ftc chaos rate worker --limit 5mbit',
  helped: true,
  follows: true,
  needs: 'tbf',
  params: z.strictObject({ limit: bitrate('bits a second', '1mbit') }),
  data: NetworkData,
  prepare: (world, _, hit, p, draft) => {
    const burst = Math.max(16_384, Math.round(p.limit / 8 / 100));
    const qdisc = ['tbf', 'rate', `${p.limit}bit`, 'burst', `${burst}b`, 'latency', '400ms'];
    return prepareNetwork(world, hit, draft, { act: 'shape', qdisc });
  },
  revert: revertNetwork,
});
