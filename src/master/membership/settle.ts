/** After every event: what follows from the state as it is now. One rule after the other, the first that acts wins. */
import { hasEnded } from '../../protocol/job-state.ts';
import type { Effect } from './events.ts';
import { end, setState } from './effects.ts';
import type { Regrouping } from '../../api/fact.ts';
import { eligible, form, nextMembers } from './form.ts';
import * as recoveries from './recoveries.ts';
import * as scripts from './scripts.ts';
import type { Membership, Worker } from './state.ts';
import { attached, holder, nameOf, some, target } from './state.ts';

export function settle(m: Membership, now: number): Effect[] {
  if (hasEnded(m.state)) return [];
  if (reattaching(m, now)) return [];
  if (target(m) < Math.min(m.config.minWorkers, m.wanted)) return end(m, 'failed', tooFew(m));
  if (m.state === 'stopping' && !some(m, () => true)) {
    return end(m, 'stopped', m.reason);
  }
  return finish(m) ?? replaceLost(m, now) ?? mendBroken(m, now) ?? gather(m, now) ?? resize(m, now) ?? [];
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
  if (!some(m, w => w.finishing)) return scripts.finish(m);
  if (some(m, w => w.finishing && !w.done)) return null;
  const inside = attached(m).filter(w => !w.finishing && m.established.has(w.id));
  return inside.length > 0 ? null : end(m, 'succeeded', null);
}

/** Members that are gone, or on their way out, are left behind at once. */
function replaceLost(m: Membership, now: number): Effect[] | null {
  const out = m.current.members.filter(member => {
    const w = holder(m, member);
    return w === null ? !passed(m.workers.get(member.id), member.incarnation) : w.leaving || w.failed;
  });
  if (out.length === 0) return null;
  const left = out.filter(x => m.workers.get(x.id)?.leaving);
  const lost = out.filter(x => !left.includes(x)).map(x => x.id);
  // When the job stops, all leave at the same boundary: nobody is left to form a generation.
  if (lost.length === 0 && m.state === 'stopping') return null;
  if (lost.length === 0)
    return regroup(m, { why: 'left', names: left.map(x => nameOf(m, x.id)) }, now, scripts.partings(m));
  const told = recoveries.open(m, lost, now);
  // Written last: the survivors wait for the generation, and nobody for this.
  return [...told, ...regroup(m, { why: 'lost' }, now), ...recoveries.opened(m)];
}

/** A member that is gone but had finished is no loss. */
function passed(w: Worker | undefined, incarnation: string): boolean {
  return w !== undefined && w.incarnation === incarnation && w.done;
}

/** Forms the next generation now, or an empty one when too few are there. */
function regroup(
  m: Membership,
  because: Regrouping,
  now: number,
  when: 'now' | 'boundary' = 'now',
): Effect[] {
  const finishing = some(m, w => w.finishing);
  // Who is past the loop does not come back: only those still inside go on, and nobody joins any more.
  const next = finishing || m.state === 'stopping' ? attached(m).filter(eligible) : nextMembers(m);
  const enough = next.length >= m.config.minWorkers || finishing || m.state === 'stopping';
  const members = enough ? next : [];
  const effects = form(m, when, members, because, now);
  if (m.state === 'stopping') return effects;
  if (members.length > 0) return [...effects, ...setState(m, 'running', null)];
  return [...effects, ...setState(m, finishing ? 'finishing' : 'waiting', null)];
}

/** A collective failed, or hangs, and no loss showed that explains it: the same members meet again. */
function mendBroken(m: Membership, now: number): Effect[] | null {
  if (m.meetAgain) return regroup(m, { why: 'deadlock' }, now);
  if (m.brokenAt === null || now - m.brokenAt < m.config.brokenMs) return null;
  m.hang.brokenSince ??= now;
  m.hang.broken += 1;
  return regroup(m, { why: 'broken-collective' }, now);
}

/** No generation yet (or none left): wait until those who are coming are there. */
function gather(m: Membership, now: number): Effect[] | null {
  if (m.current.members.length > 0 || m.state === 'stopping') return null;
  if (some(m, w => w.finishing)) return null;
  // Who holds the state needs none: a hold is for those who would begin at step 0.
  if (m.hold !== null && !some(m, w => w.holdsState)) return setState(m, 'waiting', null);
  const ready = count(m, eligible);
  if (ready === 0) {
    m.gatheringSince = null;
    // All who were past the loop are gone before they returned: their tail is run again by whoever comes.
    return setState(m, 'waiting', null);
  }
  m.gatheringSince ??= now;
  const late = now - m.gatheringSince >= m.config.gatherMaxMs;
  const quiet = (): boolean => now - m.lastArrival >= m.config.gatherMs && !some(m, w => !w.ready);
  if (ready < target(m) && (ready < m.config.minWorkers || !(late || quiet()))) return null;
  return [...form(m, 'now', nextMembers(m), { why: 'start' }, now), ...setState(m, 'running', null)];
}

/** Joins, and scaling down: at a step boundary, and only when the current generation has committed something. */
function resize(m: Membership, now: number): Effect[] | null {
  const { members } = m.current;
  if (m.state !== 'running' || m.established.size < members.length) return null;
  if (!attached(m).every(w => m.established.has(w.id)) || scripts.someEnded(m)) return null;
  const size = Math.min(target(m), count(m, eligible));
  if (size === members.length) return null;
  const because = { why: 'resize', grows: size > members.length, restartsScripts: scripts.any(m) } as const;
  return form(m, 'boundary', nextMembers(m), because, now);
}

function count(m: Membership, test: (w: Worker) => boolean): number {
  let found = 0;
  for (const w of m.workers.values()) if (test(w)) found += 1;
  return found;
}
