/** Who is in the next generation, and the effects of making it. */
import type { Member, Outbound } from '../../protocol/outbound.ts';
import type { Regrouping } from '../../api/fact.ts';
import { history } from './effects.ts';
import type { Effect } from './events.ts';
import type { Generation, Membership, Worker } from './state.ts';
import { attached, isMember, nameOf, rankOf, target } from './state.ts';
import * as stragglers from './stragglers.ts';

/** May be given a rank: waits in `batches` or trains, and is not on its way out. */
export const eligible = (w: Worker): boolean =>
  w.connected && w.ready && !w.leaving && !w.finishing && !w.failed;

/** Survivors in their order, then whoever else is ready in order of arrival, up to the target. */
export function nextMembers(m: Membership): Worker[] {
  const survivors = attached(m).filter(eligible);
  const known = new Set(survivors.map(w => w.id));
  const others = [...m.workers.values()]
    .filter(w => eligible(w) && !known.has(w.id))
    .sort((a, b) => a.readyAt - b.readyAt || (a.id < b.id ? -1 : 1));
  return [...survivors, ...others].slice(0, target(m));
}

/** The line that tells a worker of a generation. */
function generationMessage(g: Generation): Outbound {
  const members: Member[] = g.members.map(({ id, host, storePort }) => ({ id, host, storePort }));
  return { type: 'generation', generation: g.generation, when: g.when, members, storeRank: 0 };
}

/**
 * Makes `members` the current generation. An empty list is a generation too: it tells everybody to leave what they are
 * in and to wait. All who are ready are told, standbys too: they know then who trains.
 */
export function form(
  m: Membership,
  when: 'now' | 'boundary',
  members: Worker[],
  because: Regrouping,
  now: number,
): Effect[] {
  const before = m.current;
  const next: Generation = {
    generation: before.generation + 1,
    when,
    members: members.map(({ id, host, storePort, incarnation }) => ({ id, host, storePort, incarnation })),
  };
  const held = new Set(before.members.map(x => x.id));
  m.current = next;
  m.formedAt = now;
  m.established = new Set();
  m.brokenAt = null;
  m.meetAgain = false;
  m.gatheringSince = null;
  stragglers.forget(m);
  const effects: Effect[] = [{ type: 'journal', entry: { type: 'generation', ...next } }];
  const message = generationMessage(next);
  for (const w of m.workers.values()) {
    if (w.connected && (w.ready || held.has(w.id))) effects.push({ type: 'send', to: w.id, message });
  }
  const level = when === 'now' && held.size > 0 && because.why !== 'left' ? 'warn' : 'info';
  const size = members.length;
  effects.push(history(level, { what: 'generation-formed', size, because }, { step: m.bestStep }));
  for (const w of members) {
    if (held.size === 0 || held.has(w.id)) continue;
    const rank = rankOf(m, w.id);
    const fact = { what: 'worker-joined', name: nameOf(m, w.id), rank, promoted: w.standby } as const;
    effects.push(history('info', fact, { worker: w.id, rank }));
  }
  const full = members.length > 0 && members.length >= target(m);
  for (const w of m.workers.values()) w.standby = full && w.connected && w.ready && !isMember(m, w.id);
  return effects;
}

/** The current generation, for one who may not know it. Not for a process that took a member's place meanwhile. */
export function tell(m: Membership, w: Worker | undefined): Effect[] {
  const { generation, members } = m.current;
  if (generation === 0 || !w?.ready || w.generation === generation) return [];
  if (isMember(m, w.id) && members[rankOf(m, w.id)]?.incarnation !== w.incarnation) return [];
  return [{ type: 'send', to: w.id, message: generationMessage(m.current) }];
}
