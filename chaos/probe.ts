/** Which faults this engine and its kernel can do, tried in a network namespace of a helper's own. */
import { z } from 'zod';
import type { Fault, Need, World } from './faults/fault.ts';
import { peek } from './helper/helper.ts';

/** What the kernel said where it refused; null where it can. */
const Answer = z.object({
  filter: z.string().nullable(),
  statistic: z.string().nullable(),
  tbf: z.string().nullable(),
  netem: z.string().nullable(),
  queue: z.string().nullable(),
});

/** Why not, by need; null where it can be met. */
export type Abilities = Readonly<Record<Need, string | null>>;

const place = { network: 'none', capabilities: ['NET_ADMIN'], mounts: [] };

/** @throws FtcError where the helper's image cannot be built */
export async function probe(world: World): Promise<Abilities> {
  const { queue, ...able } = await peek(world, { act: 'probe' }, place, Answer, 'ftc-probe');
  const both = able.netem !== null && queue !== null;
  return { ...able, delay: both ? `${able.netem}; ${queue}` : null };
}

/** Null where it can be done. Pure. */
export function whyNot({ impossible, needs }: Fault, able: Abilities): string | null {
  if (impossible !== undefined) return impossible;
  const refused = needs === undefined ? null : able[needs];
  if (refused === null) return null;
  const what = {
    filter: 'iptables',
    statistic: "iptables' statistic match",
    tbf: 'tbf',
    netem: 'netem',
    delay: 'netem or a packet queue',
  };
  return `this kernel has no ${what[needs ?? 'filter']} (${refused})`;
}
