/** The membership's state: everything that the master knows about who trains. Plain data; only ./advance.ts changes it. */
import type { LossCause } from '../../api/loss-cause.ts';
import type { Member } from '../../protocol/outbound.ts';
import type { Phase, ContainerFact } from '../../protocol/inbound.ts';
import { createTally, type Tally } from '../checkpoints/tally.ts';
import type { JobState } from '../../protocol/job-state.ts';
import type { Recovery } from '../../api/status.ts';
import { type Checks, createReplicas, type Replicas } from './replica-counts.ts';

/** A worker as the control link shows it. Kept while its container is known, also when its link is down. */
export interface Worker {
  readonly id: string;
  /** New with every start of its process. */
  incarnation: string;
  connected: boolean;
  /** In `batches`: may be given a rank. */
  ready: boolean;
  host: string;
  storePort: number;
  step: number;
  holdsState: boolean;
  phase: Phase;
  /** Since when its generation, step and phase are what they are: the master's clock. */
  since: number;
  /** The generation that it says it is a member of. */
  generation: number | null;
  /** What its steps took lately; ./stragglers.ts. */
  speed: Speed;
  /** What it has compared with the others; ./replicas.ts. */
  checks: Checks;
  /** The master's clock, milliseconds since the epoch. */
  lastSeen: number;
  readyAt: number;
  /** Ready for a while: ./health.ts. */
  healthy: boolean;
  /** Waits, ready, while others train. */
  standby: boolean;
  /** It asked to leave for good, at a step boundary. */
  leaving: boolean;
  /** Past the loop, its final checkpoint durable. */
  finishing: boolean;
  done: boolean;
  /** What its launcher said last of the script; null where the script is ftc's own. */
  script: { readonly generation: number; readonly state: 'started' | 'ended' } | null;
  /** It reported an error of the script; its exit is expected and not fenced. */
  failed: boolean;
  /** What was seen first when it was lost; null while it is not. */
  lostBy: LossCause | null;
  /** When it was fenced. This process is not let in again, whatever it says: it is to be killed. */
  fencedAt: number | null;
  /** When its fence was asked for last. */
  fenceToldAt: number;
}

/** How long a worker's slices took, step by step. */
export interface Speed {
  /** Of the last steps, oldest first. */
  readonly steps: { readonly at: number; readonly step: number; readonly sliceMs: number }[];
  /** How many times longer than the others' slices; null while it keeps up. */
  slow: number | null;
}

/** What the master keeps in its journal of one generation. */
export interface Generation {
  readonly generation: number;
  readonly when: 'now' | 'boundary';
  /** In order of rank, with the process that held it. */
  readonly members: readonly (Member & { incarnation: string })[];
}

/** How the membership behaves; from the job. Times in milliseconds. */
export interface MembershipConfig {
  readonly workers: number;
  readonly standbys: number;
  readonly minWorkers: number;
  readonly heartbeatMs: number;
  /** How long a first generation waits for more workers after the last one arrived. */
  readonly gatherMs: number;
  /** The same, after the first one was ready, whatever still arrives. */
  readonly gatherMaxMs: number;
  /** How long a reported broken collective waits for the loss behind it to show. */
  readonly brokenMs: number;
  /** How long nothing may move, in a job that should, before somebody is held to account. */
  readonly hangMs: number;
  /** How long a container may run without a word from inside. */
  readonly silentMs: number;
  readonly onStraggler: 'report' | 'replace';
}

/** What was done about standing still; ./stuck.ts. */
interface Hang {
  lookedAt: number;
  /** When the last act was, or the job was asked to stop. */
  actedAt: number;
  /** The best step at the last act: a later one is progress. */
  step: number;
  /** Times that the same members were told to meet again since. */
  meetings: number;
  /** Collectives that broke since without a loss that explains it, and since when. */
  broken: number;
  brokenSince: number | null;
  /** Ids of workers that were replaced since although nothing pointed to them. */
  tried: Set<string>;
}

/** The last error of the script that a worker reported. */
interface ScriptFailure {
  readonly fingerprint: string;
  readonly bestStep: number;
  /** The one in which a launcher ran the script; 0 where the script is ftc's own. */
  readonly generation: number;
}

export interface Membership {
  readonly config: MembershipConfig;
  state: JobState;
  reason: string | null;
  traceback: string | null;
  current: Generation;
  /** What has to happen before training starts from nothing, for people; null while nothing has. */
  hold: string | null;
  /** Members that have committed in, or finished from, the current generation. */
  established: Set<string>;
  /** How many workers should hold ranks. */
  wanted: number;
  workers: Map<string, Worker>;
  /** The supervisor's last report by worker id; null before the first. */
  containers: Map<string, ContainerFact> | null;
  /** Ids that left on request and whose containers may be removed for good. */
  left: Set<string>;
  /** Ids of workers that are still linked although their containers are gone: nobody will report them again. */
  vanished: Set<string>;
  /** After a restart of the master: until when members may reattach before they count as lost. */
  reattachUntil: number | null;
  /** When a member reported a broken collective of the current generation. */
  brokenAt: number | null;
  /** Why the same members shall meet again, where a hang asks for it. */
  meetAgain: boolean;
  /** When the current generation was formed. */
  formedAt: number;
  hang: Hang;
  /** When it was looked last at who is slower than the others. */
  comparedAt: number;
  /** When a worker was last replaced for being slow, by its id. */
  replacedAt: Map<string, number>;
  /** Since when a container runs from which nothing is heard, by its worker's id. */
  silentSince: Map<string, number>;
  /** When the first worker became ready while no generation was formed. */
  gatheringSince: number | null;
  lastArrival: number;
  /** When the last tick came; null before the first. */
  lastTick: number | null;
  /** No word from anybody, although several are there. */
  deaf: boolean;
  /** Highest step that anybody reported as committed. */
  bestStep: number;
  totalSteps: number | null;
  /** Why the script ended training early, at `totalSteps`; null while it has not. */
  finished: string | null;
  epoch: number | null;
  loss: number | null;
  /** Steps that were left out because a number was not finite. */
  skipped: number;
  replicas: Replicas;
  recoveries: Recovery[];
  checkpoints: Tally;
  failures: Map<string, ScriptFailure>;
  finalDigest: string | null;
  metrics: Record<string, number>;
}

/** Before anything has happened. */
export function createMembership(config: MembershipConfig): Membership {
  return {
    config,
    state: 'waiting',
    reason: 'no worker has connected yet',
    traceback: null,
    current: { generation: 0, when: 'now', members: [] },
    hold: null,
    established: new Set(),
    wanted: config.workers,
    workers: new Map(),
    containers: null,
    left: new Set(),
    vanished: new Set(),
    reattachUntil: null,
    brokenAt: null,
    meetAgain: false,
    formedAt: 0,
    hang: { lookedAt: 0, actedAt: 0, step: 0, meetings: 0, broken: 0, brokenSince: null, tried: new Set() },
    comparedAt: 0,
    replacedAt: new Map(),
    silentSince: new Map(),
    gatheringSince: null,
    lastArrival: 0,
    lastTick: null,
    deaf: false,
    bestStep: 0,
    totalSteps: null,
    finished: null,
    epoch: null,
    loss: null,
    skipped: 0,
    replicas: createReplicas(),
    recoveries: [],
    checkpoints: createTally(),
    failures: new Map(),
    finalDigest: null,
    metrics: {},
  };
}

/** What people call a worker: its container's name, where the supervisor told it. */
export const nameOf = (m: Membership, id: string): string => m.containers?.get(id)?.container ?? id;

export const isMember = (m: Membership, id: string): boolean => ranks(m.current).has(id);

/** -1 for who holds none. */
export const rankOf = (m: Membership, id: string): number => ranks(m.current).get(id) ?? -1;

const indices = new WeakMap<Generation, ReadonlyMap<string, number>>();

/** Rank by id, made once a generation: ten thousand workers ask with every heartbeat. */
function ranks(generation: Generation): ReadonlyMap<string, number> {
  let index = indices.get(generation);
  if (index === undefined) {
    index = new Map(generation.members.map((member, rank) => [member.id, rank]));
    indices.set(generation, index);
  }
  return index;
}

/** The member's worker, if its link is up and it is still the process that the generation was formed with. */
export function holder(m: Membership, member: Generation['members'][number]): Worker | null {
  const worker = m.workers.get(member.id);
  return worker?.connected && worker.incarnation === member.incarnation ? worker : null;
}

/** Members that are there, in order of rank. */
export function attached(m: Membership): Worker[] {
  const there: Worker[] = [];
  for (const member of m.current.members) {
    const worker = holder(m, member);
    if (worker !== null) there.push(worker);
  }
  return there;
}

/**
 * How many workers should hold ranks: those wanted, less those that the supervisor gave up and for whom no standby is
 * there.
 */
export function target(m: Membership): number {
  if (m.containers === null) return m.wanted;
  let gone = 0;
  for (const fact of m.containers.values()) if (fact.gaveUp !== null) gone += 1;
  return gone === 0 ? m.wanted : Math.min(m.wanted, Math.max(m.wanted, m.containers.size) - gone);
}

/** Does anybody who is connected fit? */
export function some(m: Membership, test: (w: Worker) => boolean): boolean {
  for (const w of m.workers.values()) if (w.connected && test(w)) return true;
  return false;
}
