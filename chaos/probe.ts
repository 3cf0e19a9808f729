/** Which faults this engine and its kernel can do, tried in a network namespace of a helper's own. */
import { z } from 'zod';
import type { Capability, FaultHands } from '../src/runtime/faults.ts';
import type { Fault, Need } from './faults/fault.ts';
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

const place = { network: null, capabilities: ['NET_ADMIN'], mounts: [] };

/** @throws FtcError where the helper's image cannot be built */
export async function probe(faults: FaultHands): Promise<Abilities> {
  const { queue, ...able } = await peek(faults, { act: 'probe' }, place, Answer, 'ftc-probe');
  const both = able.netem !== null && queue !== null;
  return { ...able, delay: both ? `${able.netem}; ${queue}` : null };
}

/** Why the runtime cannot do it; null where it can, as far as is known without asking the kernel. Pure. */
export function lacking({ asks = [] }: Fault, has: ReadonlySet<Capability>): string | null {
  const lacks = asks.filter(what => !has.has(what));
  return lacks.length === 0 ? null : `what the job runs on has no ${lacks.join(' and no ')} for faults`;
}

/**
 * Null where it can be done. Pure.
 * @param able null where no fault that is wanted asks anything of the kernel
 */
export function whyNot(fault: Fault, able: Abilities | null, has: ReadonlySet<Capability>): string | null {
  const { impossible, needs } = fault;
  const never = impossible ?? lacking(fault, has);
  if (never !== null) return never;
  const refused = needs === undefined || able === null ? null : able[needs];
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
