/** What faults of a network share: a helper in the target's network namespace, and who its peers are. */
import { z } from 'zod';
import { FtcError } from '../../src/errors.ts';
import { NetworkAct } from '../helper/act.ts';
import { look, type Place, undo } from '../helper/helper.ts';
import { GONE, LATER, sameRun, there } from './again.ts';
import type { Draft, FaultRecord, Hit, Prepared, Scene, World } from './fault.ts';
import { choice, words } from './params.ts';

export const direction = () =>
  choice('to: what it sends, from: what it receives', ['both', 'to', 'from'], 'both');
export const directions = (which: 'both' | 'to' | 'from'): ('to' | 'from')[] =>
  which === 'both' ? ['to', 'from'] : [which];

const peersPattern = /^(all|master|workers|others|rank=\d{1,4}(,\d{1,4})*)$/;
export const peers = () =>
  words(
    'whom it is cut off from: all, master, workers, others (workers that are not hit), or ranks: rank=0,2',
    peersPattern,
    'all, master, workers, others, or ranks such as rank=0,2',
    'all',
  );

/** Names that the container's network knows; null for everybody. Nobody is cut off from itself. @throws FtcError FTC_NO_TARGET */
export function peerNames(from: string, { hits, job }: Scene, { role, container }: Hit): string[] | null {
  if (from === 'all') return null;
  const nobody = new FtcError(
    'FTC_NO_TARGET',
    `there is nobody that ${container.name} could be cut off from: no other ${from}`,
  );
  const workers = job.filter(h => h.role === 'worker' && h.container.id !== container.id);
  if ((from === 'master' && role === 'master') || (from === 'workers' && workers.length === 0)) throw nobody;
  // A service's name stands for all who run it, now and later.
  if (from === 'master') return ['master'];
  if (from === 'workers') return ['worker'];
  const chosen = new Set(hits.map(h => h.container.id));
  const ranks = from.startsWith('rank=') ? from.slice(5).split(',').map(Number) : null;
  const found = workers.filter(h =>
    ranks === null ? !chosen.has(h.container.id) : h.rank !== null && ranks.includes(h.rank),
  );
  if (found.length === 0) throw nobody;
  return found.map(h => h.container.name);
}

const place = (containerId: string): Place => ({
  network: containerId,
  capabilities: ['NET_ADMIN'],
  mounts: [],
});

/** What the helper was told, and what it saw: enough to undo it. */
export const NetworkData = z.object({ act: NetworkAct });
type NetworkData = z.output<typeof NetworkData>;

const Before = z.object({ qdisc: z.array(z.string()).nullish() });

export async function prepareNetwork(
  world: World,
  hit: Hit,
  draft: Draft,
  act: NetworkAct,
): Promise<Prepared<NetworkData>> {
  const looked = await look(world, draft, act, place(hit.container.id), Before, { act });
  return {
    data: { act: { ...act, before: looked.before.qdisc ?? null } },
    apply: () => looked.go(),
    cancel: looked.cancel,
  };
}

/** A network namespace goes with the run that it belongs to. */
export async function revertNetwork(
  world: World,
  record: FaultRecord,
  { act }: NetworkData,
): Promise<string | null> {
  const container = await sameRun(world, record);
  if (container) {
    await undo(world, record, act, place(container.id));
    return null;
  }
  for (const helper of await world.faults.helpers(record.project))
    if (helper.fault === record.id) await world.faults.dismiss(helper.id);
  return (await there(world, record)) ? LATER : GONE;
}
