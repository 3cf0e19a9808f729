/** What the supervisor's reports mean for the membership: how many workers are wanted, and which are given up. */
import type { ContainerFact } from '../../protocol/inbound.ts';
import type { Effect } from './events.ts';
import { history } from './effects.ts';
import { fenceAgain } from './loss.ts';
import type { Membership } from './state.ts';

/**
 * Takes the whole list of worker containers. More containers than wanted: somebody scaled up. One that left on request
 * and was then removed: somebody scaled down. One that merely vanished is still wanted.
 */
export function observe(m: Membership, facts: readonly ContainerFact[], now: number): Effect[] {
  const before = m.containers;
  const after = new Map(facts.map(f => [f.id, f]));
  m.containers = after;
  const effects: Effect[] = [];
  let wanted = m.wanted;
  const room = Math.max(1, after.size - m.config.standbys);
  if (before === null && m.current.generation === 0 && after.size > 0) wanted = room;
  for (const id of before?.keys() ?? []) {
    if (after.has(id)) continue;
    if (m.left.delete(id)) wanted -= 1;
    m.silentSince.delete(id);
    if (m.workers.get(id)?.connected === true) m.vanished.add(id);
    else m.workers.delete(id);
  }
  for (const id of after.keys()) m.vanished.delete(id);
  for (const id of m.replicas.named.keys())
    if (!after.has(id) && !m.workers.has(id)) m.replicas.named.delete(id);
  wanted = Math.max(1, wanted, room);
  if (wanted !== m.wanted) {
    m.wanted = wanted;
    effects.push({ type: 'journal', entry: { type: 'wanted', wanted } });
    effects.push(history('info', { what: 'workers-wanted', wanted }));
  }
  for (const fact of facts) {
    effects.push(...changes(before?.get(fact.id), fact));
    const w = m.workers.get(fact.id);
    // A supervisor that was away has not heard of it.
    if (fact.running && w?.fencedAt != null && (fact.startedAt ?? 0) <= w.fencedAt)
      effects.push(...fenceAgain(w, now));
  }
  return effects;
}

/** Whose container is gone is no worker of the job once its link has closed, too; that may come later. */
export function forgetVanished(m: Membership): void {
  for (const id of m.vanished) {
    if (m.workers.get(id)?.connected === true) continue;
    m.workers.delete(id);
    m.vanished.delete(id);
  }
}

function changes(before: ContainerFact | undefined, fact: ContainerFact): Effect[] {
  const worker = { worker: fact.id };
  const { container } = fact;
  if (fact.gaveUp !== null && before?.gaveUp !== fact.gaveUp) {
    return [history('error', { what: 'container-given-up', container, reason: fact.gaveUp }, worker)];
  }
  if (before?.running === true && !fact.running && fact.exitCode !== 0) {
    const { exitCode, oomKilled } = fact;
    return [history('warn', { what: 'container-died', container, exitCode, oomKilled }, worker)];
  }
  if (before?.running === false && fact.running) {
    return [history('info', { what: 'container-restarted', container }, worker)];
  }
  return [];
}
