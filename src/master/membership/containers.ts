/** What the supervisor's reports mean for the membership: how many workers are wanted, and which are given up. */
import type { ContainerFact } from '../../protocol/messages.ts';
import type { Effect } from './events.ts';
import { history } from './form.ts';
import type { Membership } from './state.ts';

/**
 * Takes the whole list of worker containers. More containers than wanted: somebody scaled up. One that left on request
 * and was then removed: somebody scaled down. One that merely vanished is still wanted.
 */
export function observe(m: Membership, facts: readonly ContainerFact[]): Effect[] {
  const before = m.containers;
  const now = new Map(facts.map(f => [f.id, f]));
  m.containers = now;
  const effects: Effect[] = [];
  let wanted = m.wanted;
  const room = Math.max(1, now.size - m.config.standbys);
  if (before === null && m.current.generation === 0 && now.size > 0) wanted = room;
  for (const id of before?.keys() ?? []) {
    if (now.has(id)) continue;
    if (m.left.delete(id)) wanted -= 1;
    if (m.workers.get(id)?.connected !== true) m.workers.delete(id);
  }
  wanted = Math.max(1, wanted, room);
  if (wanted !== m.wanted) {
    m.wanted = wanted;
    effects.push({ type: 'journal', entry: { type: 'wanted', wanted } });
    effects.push(history('note', 'info', `${wanted} workers wanted`));
  }
  for (const fact of facts) effects.push(...changes(before?.get(fact.id), fact));
  return effects;
}

function changes(before: ContainerFact | undefined, fact: ContainerFact): Effect[] {
  const worker = { worker: fact.id };
  if (fact.gaveUp !== null && before?.gaveUp !== fact.gaveUp) {
    return [history('container', 'error', `${fact.container} is given up: ${fact.gaveUp}`, worker)];
  }
  if (before?.running === true && !fact.running && fact.exitCode !== 0) {
    const how = fact.oomKilled ? 'out of memory' : `exit code ${fact.exitCode ?? 'unknown'}`;
    return [history('container', 'warn', `${fact.container} died: ${how}`, worker)];
  }
  if (before?.running === false && fact.running) {
    return [history('container', 'info', `${fact.container} is started again`, worker)];
  }
  return [];
}
