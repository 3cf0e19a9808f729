/** After every event: what follows from the state as it is now. One rule after the other, the first that acts wins. */
import { hasEnded } from '../status.ts';
import type { Effect } from './events.ts';
import { eligible, end, form, nextMembers, setState } from './form.ts';
import * as recoveries from './recoveries.ts';
import * as scripts from './scripts.ts';
import type { Membership, Worker } from './state.ts';
import { attached, nameOf, target } from './state.ts';

export function settle(m: Membership, now: number): Effect[] {
  if (hasEnded(m.state)) return [];
  if (reattaching(m, now)) return [];
  if (target(m) < Math.min(m.config.minWorkers, m.wanted)) return end(m, 'failed', tooFew(m));
  if (m.state === 'stopping' && ![...m.workers.values()].some(w => w.connected)) {
    return end(m, 'stopped', m.reason);
  }
  return finish(m) ?? replaceLost(m, now) ?? mendBroken(m, now) ?? gather(m, now) ?? resize(m) ?? [];
}

/** True while a master that came back gives members the time to reattach. */
function reattaching(m: Membership, now: number): boolean {
  if (m.reattachUntil === null) return false;
  const open = m.current.members.filter(member => {
    const worker = m.workers.get(member.id);
    return worker === undefined || (!worker.connected && worker.lostBy === null);
  });
  if (open.length > 0 && now < m.reattachUntil) return true;
  m.reattachUntil = null;
  return false;
}

function tooFew(m: Membership): string {
  const gone = [...(m.containers?.values() ?? [])].find(c => c.gaveUp !== null);
  return `${target(m)} workers are left and at least ${m.config.minWorkers} are needed${gone ? `; ${gone.container}: ${gone.gaveUp}` : ''}`;
}

/**
 * The job is done when every worker past the loop has returned and nobody is left inside it. Whoever never committed in the
 * current generation, a joiner for one whose boundary never came, is not waited for.
 */
function finish(m: Membership): Effect[] | null {
  const finishers = [...m.workers.values()].filter(w => w.finishing && w.connected);
  if (finishers.length === 0) return scripts.finish(m);
  const inside = attached(m).filter(w => !w.finishing && m.established.has(w.id));
  if (inside.length > 0 || !finishers.every(w => w.done)) return null;
  return end(m, 'succeeded', null);
}

/** Members that are gone, or on their way out, are left behind at once. */
function replaceLost(m: Membership, now: number): Effect[] | null {
  const here = new Set(attached(m));
  const out = m.current.members.filter(member => {
    const w = m.workers.get(member.id);
    if (w === undefined || !here.has(w)) return !passed(w, member.incarnation);
    return w.leaving || w.failed;
  });
  if (out.length === 0) return null;
  const left = out.filter(x => m.workers.get(x.id)?.leaving);
  const lost = out.filter(x => !left.includes(x)).map(x => x.id);
  // When the job stops, all leave at the same boundary: nobody is left to form a generation.
  if (lost.length === 0 && m.state === 'stopping') return null;
  const effects = lost.length > 0 ? recoveries.open(m, lost, now) : [];
  const why = lost.length > 0 ? 'without the lost' : `${left.map(x => nameOf(m, x.id)).join(', ')} left`;
  return [...effects, ...regroup(m, why)];
}

/** A member that is gone but had finished is no loss. */
function passed(w: Worker | undefined, incarnation: string): boolean {
  return w !== undefined && w.incarnation === incarnation && w.done;
}

/** Forms the next generation now, or an empty one when too few are there. */
function regroup(m: Membership, why: string): Effect[] {
  const finishing = [...m.workers.values()].some(w => w.finishing && w.connected);
  // Who is past the loop does not come back: only those still inside go on, and nobody joins any more.
  const next = finishing || m.state === 'stopping' ? attached(m).filter(eligible) : nextMembers(m);
  const enough = next.length >= m.config.minWorkers || finishing || m.state === 'stopping';
  const members = enough ? next : [];
  const effects = form(m, 'now', members, why);
  if (m.state === 'stopping') return effects;
  if (members.length > 0) return [...effects, ...setState(m, 'running', null)];
  return [...effects, ...setState(m, finishing ? 'finishing' : 'waiting', null)];
}

/** A collective failed and no loss showed that explains it: the same members meet again. */
function mendBroken(m: Membership, now: number): Effect[] | null {
  if (m.brokenAt === null || now - m.brokenAt < m.config.brokenMs) return null;
  return regroup(m, 'after a broken collective');
}

/** No generation yet (or none left): wait until those who are coming are there. */
function gather(m: Membership, now: number): Effect[] | null {
  if (m.current.members.length > 0 || m.state === 'stopping') return null;
  if ([...m.workers.values()].some(w => w.finishing && w.connected)) return null;
  const ready = nextMembers(m);
  if (ready.length === 0) {
    m.gatheringSince = null;
    // All who were past the loop are gone before they returned: their tail is run again by whoever comes.
    return setState(m, 'waiting', null);
  }
  m.gatheringSince ??= now;
  const coming = [...m.workers.values()].some(w => w.connected && !w.ready);
  const quiet = !coming && now - m.lastArrival >= m.config.gatherMs;
  const enough = ready.length >= target(m);
  const late = now - m.gatheringSince >= m.config.gatherMaxMs;
  if (!enough && (ready.length < m.config.minWorkers || !(quiet || late))) return null;
  return [...form(m, 'now', ready, 'training starts'), ...setState(m, 'running', null)];
}

/** Joins, and scaling down: at a step boundary, and only when the current generation has committed something. */
function resize(m: Membership): Effect[] | null {
  if (m.state !== 'running') return null;
  const here = attached(m);
  if (!here.every(w => m.established.has(w.id)) || scripts.someEnded(m)) return null;
  const next = nextMembers(m);
  if (next.length === m.current.members.length) return null;
  const why =
    next.length > m.current.members.length ? 'grows at the step boundary' : 'shrinks at the step boundary';
  return form(m, 'boundary', next, why);
}
