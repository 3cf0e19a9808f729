/** Containers that run while nobody inside is heard of: paused before they said hello, or cut off, or hanging at the exit. */
import { hasEnded } from '../../protocol/job-state.ts';
import type { Effect } from './events.ts';
import { history } from './effects.ts';
import type { Membership } from './state.ts';
import { nameOf } from './state.ts';

/** Asks for the end of those that were silent for too long: their next run may be better. */
export function killSilent(m: Membership, now: number): Effect[] {
  if (hasEnded(m.state)) return [];
  const effects: Effect[] = [];
  for (const { id, running } of m.containers?.values() ?? []) {
    if (!running || m.workers.get(id)?.connected === true) {
      m.silentSince.delete(id);
      continue;
    }
    const since = m.silentSince.get(id) ?? now;
    m.silentSince.set(id, since);
    if (now - since < m.config.silentMs) continue;
    m.silentSince.set(id, now);
    const reason = 'its container runs but does not answer';
    effects.push(history('warn', { what: 'worker-silent', name: nameOf(m, id) }, { worker: id }));
    effects.push({ type: 'fence', worker: id, at: now, reason, hangs: true });
  }
  return effects;
}
