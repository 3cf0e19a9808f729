/** One time that something was broken, and what came of it. Pure but for what it is told. */
import type { Replica } from '../src/runtime/replica.ts';
import { countsOf, type ReplicaCounts } from '../src/api/replicas.ts';
import { hasEnded, type JobState } from '../src/protocol/job-state.ts';
import type { Recovery, Status } from '../src/api/status.ts';
import type { Hit, Params } from './faults/fault.ts';
import type { Infliction } from './infliction.ts';
import { FOUND_WITHIN_STEPS } from './replicas.ts';

interface Victim {
  /** The worker's id: its container's hostname. */
  readonly id: string;
  readonly container: string;
  readonly role: Hit['role'];
  readonly rank: number | null;
  /** What exactly was hit, where that is more than the container: a checkpoint's file. */
  readonly detail: string | null;
  /** Last step that the job had committed, as far as the master heard; null where it did not answer, or there was none. */
  readonly atStep: number | null;
  /** From the fault to its container running anew, by the engine's clock; null while it does not. */
  backMs: number | null;
}

export interface Strike {
  readonly fault: string;
  readonly params: Params;
  readonly seed: number;
  /** When it was in force, milliseconds since the epoch. */
  readonly at: number;
  /** How long it was to last; null for what is over at once. */
  readonly forMs: number | null;
  readonly hits: Victim[];
  /** From the fault to its being undone; null while it is not, or needs not. */
  undoneMs: number | null;
  readonly generationBefore: number | null;
  generationAfter: number | null;
  /** What the master measured; null when nobody was lost. */
  recovery: Recovery | null;
  /** Of what makes a worker's state another one: what the job had found of such before. Null for any other fault. */
  readonly replicasBefore: ReplicaCounts | null;
  replicasAfter: ReplicaCounts | null;
  /** From the fault to the survivors' next committed step. Null while there is none. */
  resumedMs: number | null;
  /** From the fault to the first step at full world size. Null while there is none. */
  wholeMs: number | null;
  /** All that is wanted is there and trains, and nothing of the fault is left. */
  whole: boolean;
  state: JobState | null;
  notes: readonly string[];
  /** Something of it could not be undone, and is open in the journal. */
  leftOpen: boolean;
}

/** @param status the last one before the fault; null where the master did not answer */
export function strikeOf(infliction: Infliction, status: Status | null): Strike {
  const { fault, params, seed, forMs } = infliction.order;
  const replicas = fault.corrupts && status ? countsOf(status) : null;
  return {
    fault: fault.name,
    params,
    seed,
    at: infliction.at,
    forMs,
    hits: infliction.hits.map(hit => victim(hit, status, infliction.detail(hit))),
    undoneMs: null,
    generationBefore: status?.generation ?? null,
    generationAfter: status?.generation ?? null,
    recovery: null,
    replicasBefore: replicas,
    replicasAfter: replicas,
    resumedMs: null,
    wholeMs: null,
    whole: false,
    state: status?.state ?? null,
    notes: [],
    leftOpen: false,
  };
}

function victim({ container, role, rank }: Hit, status: Status | null, detail: string | null): Victim {
  const { hostname: id, name } = container;
  // What it held itself is heard of a heartbeat later, and is this step or the one before.
  return { id, container: name, role, rank, detail, atStep: status?.step ?? null, backMs: null };
}

/** What is seen at one time. */
export interface Sight {
  /** Null while the master does not answer. */
  readonly status: Status | null;
  readonly containers: readonly Replica[];
  /** The fault is in force no more. */
  readonly isOver: boolean;
  /** Ends the target's process, so that a new run of it must be seen. */
  readonly ends: boolean | 'maybe';
  readonly now: number;
}

/** Takes in what is seen; true when there is nothing more to wait for. */
export function observe(strike: Strike, before: readonly Hit[], sight: Sight): boolean {
  const { status, containers, isOver } = sight;
  if (isOver && strike.forMs !== null) strike.undoneMs ??= Math.round(sight.now - strike.at);
  const anew = before.map(hit => newRun(hit, containers));
  strike.hits.forEach((v, i) => {
    const started = anew[i]?.startedAt ?? null;
    if (started !== null) v.backMs ??= Math.max(0, Math.round((started - strike.at) * 10) / 10);
  });
  if (!status) return false;
  strike.state = status.state;
  strike.generationAfter = status.generation;
  if (strike.replicasBefore) strike.replicasAfter = countsOf(status);
  const ids = new Set(strike.hits.map(v => v.id));
  strike.recovery =
    status.recoveries.findLast(r => r.lost.some(id => ids.has(id)) && r.at > strike.at - 1000) ?? null;
  const since = (ms: number | null | undefined): number | null =>
    ms == null || !strike.recovery ? null : Math.round((strike.recovery.at + ms - strike.at) * 10) / 10;
  strike.resumedMs = since(strike.recovery?.resumedMs);
  strike.wholeMs = since(strike.recovery?.wholeMs);
  strike.whole = isOver && isWhole(strike, sight, status);
  return strike.whole || hasEnded(status.state);
}

/** A program that goes on for so long has taken the signal, or takes its time. Milliseconds. */
const TAKEN_MS = 10_000;

function isWhole(strike: Strike, { ends, containers, now }: Sight, status: Status): boolean {
  const runs = (v: Victim): boolean => containers.some(c => c.name === v.container && c.state === 'running');
  const taken = (v: Victim): boolean => ends === 'maybe' && now - strike.at > TAKEN_MS && runs(v);
  if (ends !== false && strike.hits.some(v => v.backMs === null && !taken(v))) return false;
  if (strike.recovery && strike.recovery.wholeMs === null) return false;
  if (mayBeFound(strike, status)) return false;
  if (status.state !== 'running' || status.worldSize < status.target) return false;
  // A master that has come back tells at once who trained, and later who does.
  if (status.workers.some(w => w.rank !== null && w.state !== 'training')) return false;
  // A worker that was lost without a rank is no recovery of the master's: it waits again.
  return strike.hits.every(v => v.role !== 'worker' || isBack(v, status, containers));
}

/** Differences that the workers have found since. */
export const found = ({ replicasBefore: before, replicasAfter: after }: Strike): number =>
  before && after ? Math.max(0, after.mismatches - before.mismatches) : 0;

/** What was changed has not been found, and there is time left for it. */
function mayBeFound(strike: Strike, { step }: Status): boolean {
  const from = strike.hits[0]?.atStep ?? 0;
  return strike.replicasBefore !== null && found(strike) === 0 && (step ?? 0) <= from + FOUND_WITHIN_STEPS;
}

/** It trains or waits; or it was removed, and another one has its place. */
function isBack({ id }: Victim, status: Status, containers: readonly Replica[]): boolean {
  const row = status.workers.find(w => w.id === id);
  if (!row) return !containers.some(c => c.hostname === id);
  return row.state === 'training' || row.state === 'ready';
}

/** A run that began after the one that was hit; in another container, where that one was removed. */
function newRun({ container: old }: Hit, containers: readonly Replica[]): Replica | undefined {
  const here = containers.find(c => c.id === old.id) ?? containers.find(c => c.name === old.name);
  if (here?.state !== 'running') return undefined;
  return (here.startedAt ?? 0) > (old.startedAt ?? 0) ? here : undefined;
}
