/** Effects that many decisions have: a line of history, and another state of the job. */
import type { Fact } from '../../api/fact.ts';
import type { JobState } from '../../protocol/job-state.ts';
import type { Effect, HistoryEntry } from './events.ts';
import type { Membership } from './state.ts';

export function history(
  level: HistoryEntry['level'],
  fact: Fact,
  where: Partial<Omit<HistoryEntry, 'level' | 'fact'>> = {},
): Effect {
  return { type: 'history', entry: { level, fact, worker: null, rank: null, step: null, ...where } };
}

/** Changes the job's state; nothing happens when it is that already. */
export function setState(m: Membership, state: JobState, reason: string | null): Effect[] {
  if (m.state === state && m.reason === reason) return [];
  const changed = m.state !== state;
  m.state = state;
  m.reason = reason;
  if (!changed) return [];
  const { traceback, finalDigest, metrics, skipped } = m;
  const { checks, checkedStep } = m.replicas;
  const counts = { checks, checkedStep, skipped };
  const level = state === 'failed' ? 'error' : 'info';
  return [
    { type: 'journal', entry: { type: 'state', state, reason, traceback, finalDigest, metrics, ...counts } },
    { type: 'state', state, reason },
    history(level, { what: 'state-changed', state, reason }, { step: m.bestStep }),
  ];
}

/** Ends the job: everybody goes home. */
export function end(
  m: Membership,
  state: 'succeeded' | 'failed' | 'stopped',
  reason: string | null,
): Effect[] {
  const effects = setState(m, state, reason);
  for (const w of m.workers.values()) {
    if (w.connected) {
      effects.push({ type: 'send', to: w.id, message: { type: 'shutdown', reason: reason ?? state } });
    }
  }
  return effects;
}
