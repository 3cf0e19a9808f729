/**
 * Standing still: heartbeats come, steps do not. Who is held to account follows from what everybody says to be doing.
 * A rank that computes while all others wait for it in the reduction hangs alone, and is replaced. Where all wait, the
 * collective itself is broken: they meet again, and if that does not help, one has to go. At most one act a timeout.
 */
import type { Phase } from '../../protocol/inbound.ts';
import { hasEnded } from '../../protocol/job-state.ts';
import type { FactOf } from '../../api/fact.ts';
import type { Effect } from './events.ts';
import { history } from './effects.ts';
import { loseStuck } from './loss.ts';
import { killSilent } from './silent.ts';
import type { Membership, Worker } from './state.ts';
import { attached, nameOf, rankOf } from './state.ts';

/** How often it is looked at, milliseconds. */
const LOOK_MS = 200;
/** So many broken collectives in a row, over a whole timeout, are no accident. */
const BROKEN_TOO_OFTEN = 3;

export interface Standstill {
  /** Members whom all others wait for; empty where all wait, or all compute. */
  readonly culprits: readonly Worker[];
  /** Members that wait. */
  readonly waiting: readonly Worker[];
  /** For how long nobody has moved. Milliseconds. */
  readonly ms: number;
}

/** Who holds the others up, and for how long. Null where members are missing: then there is something else to do. */
export function standstill(m: Membership, now: number): Standstill | null {
  const members = judged(m);
  if (members.length === 0) return null;
  let last = Math.max(m.hang.actedAt, m.formedAt);
  for (const w of members) last = Math.max(last, w.since);
  const culprits = holdUp(members);
  const waiting =
    members.length === 1 ? [] : members.filter(w => w.phase !== 'compute' && !culprits.includes(w));
  return { culprits, waiting, ms: now - last };
}

/**
 * Members that compute, each of them, for longer than the timeout: nobody can tell whether they hang or are slow, and no
 * other has their state, so they are left alone. Empty where somebody moves.
 */
export function leftAlone(m: Membership, now: number): Worker[] {
  const still = standstill(m, now);
  const alone = still !== null && still.waiting.length === 0 && still.culprits.length === 0;
  return alone && still.ms >= m.config.hangMs ? judged(m) : [];
}

/**
 * Members that should move together. Before a boundary the old ones still train in the generation before, and whoever
 * joins waits for them without a claim.
 */
function judged(m: Membership): Worker[] {
  const members = attached(m);
  // Past the loop everybody runs the script's own code, and on the way out too.
  if (members.some(w => w.finishing || w.leaving)) return [];
  // Scripts that know nothing of ftc tell nothing of what they do.
  if (members.length < m.current.members.length || members.some(w => w.script !== null)) return [];
  if (m.current.when === 'now') return members;
  const old = members.filter(w => w.generation !== null && w.generation < m.current.generation);
  return old.length > 0 ? old : members;
}

const HOLDS_UP: ReadonlySet<Phase> = new Set(['sync', 'checkpoint']);

function holdUp(members: readonly Worker[]): Worker[] {
  const computing = members.filter(w => w.phase === 'compute');
  if (computing.length === members.length) return [];
  if (computing.length > 0) return computing;
  return members.some(w => w.phase === 'reduce') ? members.filter(w => HOLDS_UP.has(w.phase)) : [];
}

/** What to do now about a job that stands still. */
export function unstick(m: Membership, now: number): Effect[] {
  const { hang } = m;
  if (now - hang.lookedAt < LOOK_MS) return [];
  hang.lookedAt = now;
  if (m.bestStep > hang.step)
    Object.assign(hang, { step: m.bestStep, meetings: 0, broken: 0, brokenSince: null, tried: new Set() });
  if (hasEnded(m.state) || m.reattachUntil !== null) return [];
  const silent = killSilent(m, now);
  if (silent.length > 0) return silent;
  return outstaying(m, now) ?? repeatedlyBroken(m, now) ?? standing(m, now) ?? [];
}

/** Workers that do not come to an end with the others: still there when the job stops, or in the loop when it is over. */
function outstaying(m: Membership, now: number): Effect[] | null {
  if (m.state !== 'stopping' && m.state !== 'finishing') return null;
  const late: Worker[] = [];
  for (const w of m.state === 'stopping' ? m.workers.values() : attached(m)) {
    const asked = m.state === 'stopping' || (!w.finishing && m.established.has(w.id));
    const quiet = now - Math.max(w.since, m.hang.actedAt, m.formedAt);
    // A launcher ends its script by itself, when the time to save is over.
    if (w.connected && asked && w.script === null && quiet >= m.config.hangMs) late.push(w);
  }
  if (late.length === 0) return null;
  m.hang.actedAt = now;
  return late.flatMap(w => loseStuck(m, w, { kind: 'stuck', phase: w.phase, step: w.step }, now));
}

function standing(m: Membership, now: number): Effect[] | null {
  const still = standstill(m, now);
  if (still === null || still.ms < m.config.hangMs || still.waiting.length === 0) return null;
  const { culprits, waiting } = still;
  m.hang.actedAt = now;
  if (culprits.length > 0) {
    return culprits.flatMap(w => loseStuck(m, w, { kind: 'stuck', phase: w.phase, step: w.step }, now));
  }
  m.hang.meetings += 1;
  if (m.hang.meetings === 1) {
    m.meetAgain = true;
    return [];
  }
  return sacrifice(m, waiting, 'nothing-moves', now);
}

function repeatedlyBroken(m: Membership, now: number): Effect[] | null {
  const { brokenSince, broken, actedAt } = m.hang;
  if (brokenSince === null || broken < BROKEN_TOO_OFTEN) return null;
  if (now - Math.max(brokenSince, actedAt) < m.config.hangMs) return null;
  const members = judged(m);
  if (members.length < 2) return null;
  Object.assign(m.hang, { actedAt: now, broken: 0, brokenSince: null });
  return sacrifice(m, members, 'collective-breaks', now);
}

/** Those who do not do what most do, or else one after the other, from the highest rank down: never all. */
function sacrifice(
  m: Membership,
  members: readonly Worker[],
  why: FactOf<'stall-broken'>['why'],
  now: number,
): Effect[] {
  const crowds = new Map<Phase, number>();
  for (const { phase } of members) crowds.set(phase, (crowds.get(phase) ?? 0) + 1);
  const [most, size] = [...crowds].reduce((a, b) => (b[1] > a[1] ? b : a));
  const odd = members.filter(w => w.phase !== most);
  const out = odd.length > 0 && size > odd.length ? odd : [nextInTurn(m, members)];
  const replaced = out.map(w => nameOf(m, w.id));
  return [
    history('warn', { what: 'stall-broken', why, replaced }, { step: m.bestStep }),
    ...out.flatMap(w => loseStuck(m, w, { kind: 'no-progress', phase: w.phase, step: w.step }, now)),
  ];
}

/** Whoever has not been replaced since the last progress; the one that breaks it may be any. */
function nextInTurn(m: Membership, members: readonly Worker[]): Worker {
  const { tried } = m.hang;
  if (members.every(w => tried.has(w.id))) tried.clear();
  const next = members
    .filter(w => !tried.has(w.id))
    .reduce((a, b) => (rankOf(m, b.id) > rankOf(m, a.id) ? b : a));
  tried.add(next.id);
  return next;
}
