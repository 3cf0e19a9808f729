/** What a master that starts makes of its journal. Pure. */
import { hasEnded } from '../protocol/job-state.ts';
import type { Entry } from './journal.ts';
import { count, createReplicas } from './membership/replica-counts.ts';
import type { Membership, MembershipConfig } from './membership/state.ts';
import { createMembership } from './membership/state.ts';

/**
 * The membership as the journal left it. `container` is the id of the container that this master runs in: another one
 * than the last run's means that somebody asked for the job again (`ftc up` after `ftc down`), so a job that had ended
 * runs again, from its newest checkpoint. The same one means a restart, and what had ended stays ended; except `stopped`, which
 * is how an interrupted `ftc up` leaves it and from where the next one goes on.
 */
export function resume(
  config: MembershipConfig,
  entries: readonly Entry[],
  container: string,
  now: number,
): Membership {
  const m = createMembership(config);
  let run: string | null = null;
  for (const entry of entries) {
    switch (entry.type) {
      case 'run':
        run = entry.container;
        forget(m);
        if (hasEnded(m.state)) begin(m, []);
        break;
      case 'generation': {
        const { generation, when, members } = entry;
        m.current = { generation, when, members };
        // The job had begun again; the master died before it could say so.
        if (hasEnded(m.state) && members.length > 0) begin(m, members);
        break;
      }
      case 'state':
        m.state = entry.state;
        m.reason = entry.reason;
        m.traceback = entry.traceback ?? null;
        m.finalDigest = entry.finalDigest ?? null;
        m.metrics = entry.metrics ?? {};
        m.skipped = entry.skipped ?? 0;
        m.replicas.checks = Math.max(m.replicas.checks, entry.checks ?? 0);
        m.replicas.checkedStep = entry.checkedStep ?? null;
        break;
      case 'wanted':
        m.wanted = entry.wanted;
        break;
      case 'total':
        m.totalSteps = entry.totalSteps;
        m.finished = entry.finished ?? null;
        break;
      case 'diverged':
        count(m.replicas, entry.mismatch);
        break;
      case 'checks':
        m.replicas.before.set(entry.incarnation, entry.before);
        m.replicas.checks = Math.max(m.replicas.checks, entry.before);
        break;
      case 'recovery': {
        const at = m.recoveries.findIndex(r => r.at === entry.recovery.at);
        if (at === -1) m.recoveries.push(entry.recovery);
        else m.recoveries[at] = entry.recovery;
        m.bestStep = Math.max(m.bestStep, entry.recovery.resumedStep ?? entry.recovery.atStep);
        break;
      }
    }
  }
  const trained = new Set(m.current.members.map(member => member.incarnation));
  for (const incarnation of m.replicas.before.keys())
    if (!trained.has(incarnation)) m.replicas.before.delete(incarnation);
  const again = run !== container;
  if (again) m.wanted = config.workers;
  const ended = m.state === 'succeeded' || m.state === 'failed';
  if (ended && !again) return m;
  if (ended) forget(m);
  if (again) m.bestStep = 0;
  if (m.state === 'stopped' || ended) begin(m, []);
  const { members } = m.current;
  // Who was asked to stop is on the way out: a master that comes back waits for that.
  const stopping = m.state === 'stopping' && !again;
  m.state = stopping ? 'stopping' : members.length > 0 ? 'running' : 'waiting';
  if (!stopping) m.reason = null;
  m.reattachUntil = members.length > 0 ? now + config.heartbeatMs : null;
  return m;
}

/** The job fails: nothing is made of a journal whose numbers cannot be, and nothing is written to it. @param poison as in ./poison.ts */
export function refuseJournal(m: Membership, path: string, poison: string): void {
  Object.assign(m, createMembership(m.config));
  m.state = 'failed';
  m.reason =
    `the journal ${path} is refused: ${poison}, which no job reaches. ` +
    'Remove that file from the volume to go on from the newest checkpoint, or "ftc down --volumes" to start over';
}

/** True when `container` is not the one that the last run was started in. */
export function isNewRun(entries: readonly Entry[], container: string): boolean {
  return entries.findLast(e => e.type === 'run')?.container !== container;
}

/** The job begins again. Without members that is another generation: some may still be in the one before. */
function begin(m: Membership, members: Membership['current']['members']): void {
  m.state = members.length > 0 ? 'running' : 'waiting';
  m.reason = null;
  if (members.length === 0 && m.current.members.length > 0)
    m.current = { generation: m.current.generation + 1, when: 'now', members };
}

function forget(m: Membership): void {
  m.recoveries = [];
  m.traceback = null;
  m.finalDigest = null;
  m.metrics = {};
  m.bestStep = 0;
  m.finished = null;
  m.skipped = 0;
  m.replicas = createReplicas();
}
