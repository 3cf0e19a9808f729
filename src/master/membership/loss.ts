/** A worker that counts as lost: it is out at once, and whatever is left of it must be killed. */
import { type LossCause, lossText } from '../../api/loss-cause.ts';
import { hasEnded } from '../../protocol/job-state.ts';
import type { Effect } from './events.ts';
import type { Membership, Worker } from './state.ts';

/** How often the supervisor is asked again to kill one that is still heard of. */
const REMIND_MS = 1000;

/**
 * Cuts `w` off. Who is on the way out closes the link by itself; everybody else is fenced. The next generation does not
 * wait for that: what a lost worker still does reaches nobody, and its container starts again only when it is dead.
 */
export function lose(m: Membership, w: Worker, cause: LossCause, now: number): Effect[] {
  w.connected = false;
  w.ready = false;
  w.lostBy ??= cause;
  const drop: Effect = { type: 'drop', id: w.id };
  if (w.leaving || w.done || w.failed || hasEnded(m.state)) return [drop];
  return [drop, fence(w, now)];
}

/** A worker that hangs is killed, even where it was on its way out. */
export function loseStuck(m: Membership, w: Worker, cause: LossCause, now: number): Effect[] {
  const effects = lose(m, w, cause, now);
  return w.fencedAt === null ? [...effects, fence(w, now)] : effects;
}

function fence(w: Worker, now: number): Effect {
  w.fencedAt = w.fenceToldAt = now;
  return order(w, now);
}

/** A fenced worker is still there: asks once more, not too often. The run that is meant is the one that was fenced. */
export function fenceAgain(w: Worker, now: number): Effect[] {
  if (w.fencedAt === null || now - w.fenceToldAt < REMIND_MS) return [];
  w.fenceToldAt = now;
  return [order(w, w.fencedAt)];
}

/** A link that closes is the end of a process; whoever is lost otherwise may still be there, and hang. */
function order({ id, lostBy }: Worker, at: number): Effect {
  return {
    type: 'fence',
    worker: id,
    at,
    reason: lostBy === null ? 'lost' : lossText(lostBy),
    hangs: lostBy?.kind !== 'link-closed',
  };
}
