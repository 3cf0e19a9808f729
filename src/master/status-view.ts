/** The membership as people see it. Pure. */
import { leftAlone, standstill } from './membership/stuck.ts';
import { hasEnded } from '../protocol/job-state.ts';
import type { Membership, Worker } from './membership/state.ts';
import { attached, nameOf, rankOf, target } from './membership/state.ts';
import { duration } from '../shared/duration.ts';
import type { CheckpointStatus } from '../api/checkpoint-status.ts';
import type { ContainerFact } from '../protocol/inbound.ts';
import type { Pace } from './pace.ts';
import type { ReplicaStatus } from '../api/replicas.ts';
import type { Status, WorkerRow, WorkerState } from '../api/status.ts';

/** Others may wait for a rank for so long before it is worth a word. Milliseconds. */
const STUCK_MS = 3000;

export function statusOf(
  m: Membership,
  pace: Pace,
  names: Pick<Status, 'job' | 'project' | 'launcher'>,
  now: number,
  damaged: CheckpointStatus['damaged'] = [],
): Omit<Status, 's3' | 'lastMetrics' | 'volume'> {
  const rates = hasEnded(m.state) || m.state === 'waiting' ? null : pace.rates(now);
  const step = names.launcher === 'torchrun' ? null : currentStep(m);
  const left = m.totalSteps === null || step === null ? null : Math.max(0, m.totalSteps - step);
  const { last, failed, delayed, delayedMs } = m.checkpoints;
  return {
    ...names,
    state: m.state,
    reason: m.state === 'waiting' ? waitingFor(m) : (m.reason ?? waitingForAll(m, now)),
    traceback: m.traceback,
    generation: m.current.generation,
    worldSize: hasEnded(m.state) ? 0 : m.current.members.length,
    target: target(m),
    step,
    totalSteps: m.totalSteps,
    finished: m.finished,
    epoch: m.epoch,
    loss: m.loss,
    skippedSteps: m.skipped,
    samplesPerSecond: rates ? Math.round(rates.samplesPerSecond * 10) / 10 : null,
    etaSeconds: rates && left !== null ? Math.round(rates.secondsPerStep * left) : null,
    finalDigest: m.finalDigest,
    metrics: m.metrics,
    workers: rows(m, now).map(r => (names.launcher === 'torchrun' ? { ...r, step: null } : r)),
    recoveries: m.recoveries,
    replicas: replicaStatus(m),
    checkpoint: { last, failed, delayed, delayedMs, damaged },
  };
}

/** Where the job stands now, which is behind its best step while steps are done again. Null before anything began. */
function currentStep(m: Membership): number | null {
  const here = Math.max(0, ...attached(m).map(w => w.step));
  if (here > 0 && !hasEnded(m.state)) return here;
  return m.bestStep > 0 || m.current.members.length > 0 ? m.bestStep : null;
}

function replicaStatus(m: Membership): ReplicaStatus {
  const { checks, checkedStep, mismatches, repaired, returned, last } = m.replicas;
  return { checks, checkedStep: currentlyChecked(m, checkedStep), mismatches, repaired, returned, last };
}

/** What those who train now know: what was checked before they went back to an older step is worth nothing. */
function currentlyChecked(m: Membership, newest: number | null): number | null {
  const here = hasEnded(m.state) ? [] : attached(m);
  if (here.length === 0) return newest;
  const known = here.flatMap(w => w.checks.step ?? []);
  return known.length === 0 ? null : Math.max(...known);
}

function waitingFor(m: Membership): string {
  if (m.hold !== null) return m.hold;
  const all = [...m.workers.values()].filter(w => w.connected);
  const ready = all.filter(w => w.ready && !w.leaving).length;
  const coming = all.length - ready;
  const rest = coming > 0 ? `, ${coming} starting` : '';
  return `waiting for workers: ${ready} of ${target(m)} ready${rest}`;
}

function waitingForAll(m: Membership, now: number): string | null {
  const all = m.state === 'running' ? leftAlone(m, now) : [];
  const [first] = all;
  if (first === undefined) return null;
  const ms = duration(now - Math.max(...all.map(w => w.since)));
  const names = all.map(w => nameOf(m, w.id)).join(', ');
  return `waiting for ${names}: in ${first.phase} at step ${first.step} for ${ms}`;
}

/** Ranks first, in their order, then the others by container name. */
function rows(m: Membership, now: number): WorkerRow[] {
  const ids = new Set([
    ...m.current.members.map(x => x.id),
    ...(m.containers?.keys() ?? []),
    ...m.workers.keys(),
  ]);
  const still = hasEnded(m.state) ? null : standstill(m, now);
  const stuck = new Set(still !== null && still.ms >= STUCK_MS ? still.culprits.map(w => w.id) : []);
  const made = [...ids].map(id => row(m, id, now, stuck.has(id) ? (still?.ms ?? null) : null));
  return made.sort(
    (a, b) =>
      (a.rank ?? Infinity) - (b.rank ?? Infinity) ||
      (a.container ?? a.id).localeCompare(b.container ?? b.id, 'en', { numeric: true }),
  );
}

function row(m: Membership, id: string, now: number, stuckMs: number | null): WorkerRow {
  const w = m.workers.get(id);
  const fact = m.containers?.get(id);
  const rank = hasEnded(m.state) ? -1 : rankOf(m, id);
  const state = stateOf(m, w, fact, rank);
  const here = w?.connected === true;
  return {
    id,
    container: fact?.container ?? null,
    rank: rank === -1 ? null : rank,
    role: rank !== -1 ? 'rank' : here && w.ready && !hasEnded(m.state) ? 'standby' : null,
    state,
    phase: here ? w.phase : null,
    step: w?.step ?? null,
    restarts: fact?.restarts ?? 0,
    lastSeenMs: w ? Math.round(now - w.lastSeen) : null,
    phaseMs: here ? Math.max(0, Math.round(now - w.since)) : null,
    slow: here ? w.speed.slow : null,
    stuckMs: stuckMs === null ? null : Math.round(stuckMs),
    diverged: m.replicas.named.get(id) ?? 0,
  };
}

function stateOf(
  m: Membership,
  w: Worker | undefined,
  fact: ContainerFact | undefined,
  rank: number,
): WorkerState {
  if (fact?.gaveUp != null) return 'gone';
  if (w?.done || (m.state === 'succeeded' && w?.script?.state === 'ended')) return 'done';
  if (w?.leaving) return 'left';
  if (!w?.connected) return fact?.running === true && w === undefined ? 'starting' : 'down';
  if (w.finishing) return 'finishing';
  if (!w.ready) return 'connected';
  return rank === -1 ? 'ready' : m.state === 'waiting' ? 'ready' : 'training';
}
