/** How long the master may sleep: it looks closely while something is about to be decided by time alone, else rarely. */
import { hasEnded } from '../../protocol/job-state.ts';
import type { Membership } from './state.ts';

/** Milliseconds between two looks while a decision is near. It is also what the slowest reaction to time adds. */
const CLOSE_MS = 25;
/** Between two looks at a job in which all is well. A master that wakes up less leaves more of the machine to training. */
const CALM_MS = 100;

/** Milliseconds until the next tick. Events from outside are never waited for: they are taken when they come. */
export function nextTick(m: Membership, now: number): number {
  return hasEnded(m.state) || isCalm(m, now) ? Math.min(CALM_MS, closest(m)) : CLOSE_MS;
}

/** A tick that comes later than half a heartbeat counts as a pause of the master's own: calm stays far below that. */
const closest = (m: Membership): number => Math.max(CLOSE_MS, m.config.heartbeatMs / 20);

/** All members train, and everybody was heard of lately: nobody can be overdue before the next look. */
function isCalm(m: Membership, now: number): boolean {
  const { members } = m.current;
  if (m.state !== 'running' || m.established.size < members.length) return false;
  if (m.reattachUntil !== null || m.brokenAt !== null || m.meetAgain) return false;
  for (const w of m.workers.values()) {
    if (w.connected && now - w.lastSeen > m.config.heartbeatMs / 2) return false;
  }
  return true;
}
