/**
 * The membership: who trains, and in which generation. A reducer without I/O, clock or randomness: the same code runs in
 * the master, in the property tests and in the simulation. The state is changed in place (heartbeats of ten thousand
 * workers must cost nothing); a caller who wants the old one keeps a copy. Rules: docs/protocol.md.
 */
import { hasEnded } from '../../protocol/job-state.ts';
import type { WorkerHello } from '../../protocol/inbound.ts';
import { type CheckpointReport, note } from '../checkpoints/tally.ts';
import { isDeterministic } from './failures.ts';
import type { Fact } from '../../api/fact.ts';
import type { Effect, MembershipEvent, WorkerMessage } from './events.ts';
import { finishedEarly } from './finished.ts';
import { end, history, setState } from './effects.ts';
import { tell } from './form.ts';
import { heartbeat, progress } from './heartbeat.ts';
import { fenceAgain, lose } from './loss.ts';
import * as recoveries from './recoveries.ts';
import * as replicas from './replicas.ts';
import * as said from './said.ts';
import * as scripts from './scripts.ts';
import { forgetStrangers, isKnown, isUnheard, tooFar } from './strangers.ts';
import { proven } from './health.ts';
import { greeted } from './greeted.ts';
import { settle } from './settle.ts';
import { forgetVanished, observe } from './containers.ts';
import type { Membership, Worker } from './state.ts';
import { isMember, nameOf, rankOf, target } from './state.ts';
import * as stragglers from './stragglers.ts';
import { unstick } from './stuck.ts';

/** Takes one event at `now` (milliseconds since the epoch) and returns what has to be done, in order. */
export function advance(m: Membership, event: MembershipEvent, now: number): Effect[] {
  const effects = take(m, event, now);
  if (changesNothing(m, event)) return effects;
  effects.push(...settle(m, now));
  forgetVanished(m);
  if (event.type === 'message' && event.message.type === 'ready') effects.push(...waits(m, event.id));
  return effects;
}

const UNMOVING: ReadonlySet<WorkerMessage['type']> = new Set(['heartbeat', 'checkpoint', 'note', 'diverged']);

/** Who trains cannot depend on this event: what all workers say all the time must cost the same however many they are. */
function changesNothing(m: Membership, event: MembershipEvent): boolean {
  if (event.type !== 'message') return false;
  const { type } = event.message;
  if (type === 'committed') return m.established.size < m.current.members.length;
  return UNMOVING.has(type);
}

function take(m: Membership, event: MembershipEvent, now: number): Effect[] {
  switch (event.type) {
    case 'hello':
      return hello(m, event.hello, now);
    case 'message': {
      const w = m.workers.get(event.id);
      // From a process that has been replaced, or from a link that was dropped: too late to count.
      if (w?.incarnation !== event.incarnation || !w.connected) return [];
      w.lastSeen = now;
      const wrong = tooFar(m, event.message);
      if (wrong !== null) return [refusal(w.id, wrong), ...lose(m, w, { kind: 'refused' }, now)];
      return isUnheard(m, w, event.message) ? [] : message(m, w, event.message, now);
    }
    case 'closed': {
      const w = m.workers.get(event.id);
      if (w?.incarnation !== event.incarnation || !w.connected) return [];
      return lose(m, w, { kind: 'link-closed' }, now);
    }
    case 'containers':
      return observe(m, event.workers, now);
    case 'said':
      return said.note(m, event.said);
    case 'stop':
      return stop(m, event.reason, now);
    case 'hold':
      m.hold = event.reason;
      return [];
    case 'abandon':
      return hasEnded(m.state) ? [] : end(m, 'failed', event.reason);
    case 'tick':
      return [...overdue(m, now), ...unstick(m, now), ...stragglers.compare(m, now), ...proven(m, now)];
  }
}

function hello(m: Membership, h: WorkerHello, now: number): Effect[] {
  const wrong = tooFar(m, h);
  if (wrong !== null) return [refusal(h.id, wrong), { type: 'drop', id: h.id }];
  forgetStrangers(m);
  const old = m.workers.get(h.id);
  const same = old?.incarnation === h.incarnation;
  const effects: Effect[] = [];
  if (same && old.fencedAt !== null && !hasEnded(m.state)) {
    return [{ type: 'drop', id: h.id }, ...fenceAgain(old, now)];
  }
  // Another process under this id: the one before is dead, as its container has been started again, and needs no fence.
  m.workers.set(h.id, greeted(h, same ? old : null, replicas.checksOf(m, h), now));
  m.lastArrival = now;
  if (h.generation !== null && h.generation > m.current.generation) {
    // The journal lost its end. Numbers must not repeat, and nobody knows who the members were: all meet again.
    m.current = { generation: h.generation + 1, when: 'now', members: [] };
  }
  if (isKnown(m, h.id)) {
    m.totalSteps ??= h.totalSteps;
    m.bestStep = Math.max(m.bestStep, h.step);
  }
  if (hasEnded(m.state) || m.state === 'stopping') {
    const reason = m.reason ?? m.state;
    // A member that comes back to a stopping job is asked again; anybody else has nothing to do any more.
    const member = m.current.members[rankOf(m, h.id)];
    const again = m.state === 'stopping' && member?.incarnation === h.incarnation;
    return [...effects, { type: 'send', to: h.id, message: { type: again ? 'stop' : 'shutdown', reason } }];
  }
  effects.push(...tell(m, m.workers.get(h.id)));
  if (h.generation === m.current.generation && h.step > 0) m.established.add(h.id);
  return effects;
}

const refusal = (to: string, reason: string): Effect => ({
  type: 'send',
  to,
  message: { type: 'refused', reason, proof: '' },
});

function message(m: Membership, w: Worker, msg: WorkerMessage, now: number): Effect[] {
  switch (msg.type) {
    case 'heartbeat':
      return heartbeat(m, w, msg, now);
    case 'ready':
      if (!w.ready) w.readyAt = m.lastArrival = now;
      w.ready = true;
      w.holdsState = msg.holdsState;
      // What the script was asked for does not count any more when it has ended training early.
      if (msg.totalSteps === null || m.totalSteps === msg.totalSteps || m.finished !== null) return [];
      if (m.totalSteps !== null && !isKnown(m, w.id)) return [];
      m.totalSteps = msg.totalSteps;
      return [{ type: 'journal', entry: { type: 'total', totalSteps: msg.totalSteps } }];
    case 'committed':
      // It is said again to a master that comes back, some steps later.
      if (msg.generation !== w.generation || msg.step > w.step) progress(m, w, msg.step);
      w.holdsState = true;
      if (msg.generation === m.current.generation) m.established.add(w.id);
      return recoveries.committed(m, msg.generation, msg.step, msg.fromStep, msg.at);
    case 'broken':
      if (msg.generation !== m.current.generation || !isMember(m, w.id)) return [];
      m.brokenAt ??= now;
      return [history('warn', { what: 'collective-broken', name: nameOf(m, w.id) }, who(m, w))];
    case 'checkpoint':
      return [checkpointed(m, w, msg, now)];
    case 'note':
      return [history(msg.level, noted(msg), { ...who(m, w), ...(msg.detail && { detail: msg.detail }) })];
    case 'failed': {
      if (w.failed) return [];
      w.failed = true;
      w.lostBy = { kind: 'script-failed' };
      const effects = [
        history(
          'error',
          { what: 'script-failed', name: nameOf(m, w.id), message: msg.message },
          { ...who(m, w), step: msg.step },
        ),
      ];
      if (!isDeterministic(m, w, msg)) return effects;
      m.traceback = msg.traceback;
      return [...effects, ...end(m, 'failed', msg.message)];
    }
    case 'finishing':
      w.finishing = true;
      progress(m, w, msg.step);
      m.established.add(w.id);
      return [...finishedEarly(m, msg), ...(m.state === 'stopping' ? [] : setState(m, 'finishing', null))];
    case 'diverged':
      return replicas.diverged(m, msg, now);
    case 'done':
      w.done = true;
      w.finishing = true;
      // A newcomer knows nothing of what was logged before it came: the others tell what rank 0 does not.
      if (m.finalDigest === null || rankOf(m, w.id) === 0) {
        m.finalDigest = msg.digest;
        m.metrics = { ...m.metrics, ...msg.metrics };
      } else m.metrics = { ...msg.metrics, ...m.metrics };
      return [];
    case 'script':
      return scripts.note(m, w, msg);
    case 'leaving':
      w.leaving = true;
      m.left.add(w.id);
      return [
        history(
          'info',
          { what: 'worker-leaving', name: nameOf(m, w.id), step: recoveries.stepOf(m, w.id, msg.step) },
          { ...who(m, w), step: msg.step },
        ),
      ];
  }
}

function checkpointed(m: Membership, w: Worker, report: CheckpointReport, now: number): Effect {
  const { level, fact } = note(m.checkpoints, report, now);
  return history(level, fact, { ...who(m, w), step: report.step });
}

/** What a worker's runtime tells of itself. */
function noted({ text, checkpoint }: Extract<WorkerMessage, { type: 'note' }>): Fact {
  if (checkpoint === null) return { what: 'worker-note', text };
  const { what, step } = checkpoint;
  return what === 'loaded'
    ? { what: 'checkpoint-loaded', step }
    : { what: 'checkpoint-quarantined', step, text };
}

const who = (m: Membership, w: Worker): { worker: string; rank: number | null } => {
  const rank = rankOf(m, w.id);
  return { worker: w.id, rank: rank === -1 ? null : rank };
};

/** One that became ready and is not needed now. */
function waits(m: Membership, id: string): Effect[] {
  const w = m.workers.get(id);
  if (!w?.ready || w.standby || isMember(m, id) || m.current.members.length < target(m)) return [];
  w.standby = true;
  return [...tell(m, w), history('info', { what: 'worker-waiting', name: nameOf(m, id) }, { worker: id })];
}

function stop(m: Membership, reason: string, now: number): Effect[] {
  if (hasEnded(m.state) || m.state === 'stopping') return [];
  m.hang.actedAt = now;
  const effects = setState(m, 'stopping', reason);
  for (const w of m.workers.values()) {
    if (w.connected) effects.push({ type: 'send', to: w.id, message: { type: 'stop', reason } });
  }
  return effects;
}

/** Whoever loads its libraries may be silent for so many timeouts: it holds no rank, and killing it would not speed it up. */
const STARTING = 6;

/** Heartbeats that did not come. Time in which the master itself stood still, or was cut off, is nobody's fault. */
function overdue(m: Membership, now: number): Effect[] {
  const gap = m.lastTick === null ? 0 : now - m.lastTick;
  m.lastTick = now;
  const excuse = gap > m.config.heartbeatMs / 2 ? gap : 0;
  for (const w of m.workers.values()) w.lastSeen += excuse;
  if (isDeaf(m, now)) return [];
  const effects: Effect[] = [];
  for (const w of m.workers.values()) {
    const patience = m.config.heartbeatMs * (w.ready ? 1 : STARTING);
    if (w.connected && now - w.lastSeen > patience)
      effects.push(...lose(m, w, { kind: 'heartbeat-overdue' }, now));
  }
  return effects;
}

/** When nobody at all was heard of for so many timeouts, it is not the master's network any more. */
const DEAF = 3;

/**
 * Several workers, and a word from none: then it is the master that is cut off. They train on without it, so it waits. Once it hears
 * somebody, the others have a timeout of their own: what they said meanwhile comes link by link.
 */
function isDeaf(m: Membership, now: number): boolean {
  const { heartbeatMs } = m.config;
  const ready = [...m.workers.values()].filter(w => w.connected && w.ready);
  const silentMs = now - Math.max(...ready.map(w => w.lastSeen));
  const was = m.deaf;
  m.deaf = ready.length > 1 && silentMs > heartbeatMs / 2;
  if (was && !m.deaf) for (const w of m.workers.values()) w.lastSeen = now;
  return m.deaf && silentMs < DEAF * heartbeatMs;
}
