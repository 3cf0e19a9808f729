/** The membership's state: everything that the master knows about who trains. Plain data; only ./advance.ts changes it. */
import type { Member, Phase, ContainerFact } from '../../protocol/messages.ts';
import type { JobState, Recovery } from '../status.ts';

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
  /** The generation that it says it is a member of. */
  generation: number | null;
  /** The master's clock, milliseconds since the epoch. */
  lastSeen: number;
  readyAt: number;
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
  lostBy: string | null;
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
}

/** The last error of the script that a worker reported. */
interface ScriptFailure {
  readonly fingerprint: string;
  readonly bestStep: number;
}

export interface Membership {
  readonly config: MembershipConfig;
  state: JobState;
  reason: string | null;
  traceback: string | null;
  current: Generation;
  /** Members that have committed in, or finished from, the current generation. */
  established: Set<string>;
  /** How many workers should hold ranks. */
  wanted: number;
  workers: Map<string, Worker>;
  /** The supervisor's last report by worker id; null before the first. */
  containers: Map<string, ContainerFact> | null;
  /** Ids that left on request and whose containers may be removed for good. */
  left: Set<string>;
  /** After a restart of the master: until when members may reattach before they count as lost. */
  reattachUntil: number | null;
  /** When a member reported a broken collective of the current generation. */
  brokenAt: number | null;
  /** When the first worker became ready while no generation was formed. */
  gatheringSince: number | null;
  lastArrival: number;
  /** When the last tick came; null before the first. */
  lastTick: number | null;
  /** Highest step that anybody reported as committed. */
  bestStep: number;
  totalSteps: number | null;
  epoch: number | null;
  loss: number | null;
  recoveries: Recovery[];
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
    established: new Set(),
    wanted: config.workers,
    workers: new Map(),
    containers: null,
    left: new Set(),
    reattachUntil: null,
    brokenAt: null,
    gatheringSince: null,
    lastArrival: 0,
    lastTick: null,
    bestStep: 0,
    totalSteps: null,
    epoch: null,
    loss: null,
    recoveries: [],
    failures: new Map(),
    finalDigest: null,
    metrics: {},
  };
}

/** What people call a worker: its container's name, where the supervisor told it. */
export const nameOf = (m: Membership, id: string): string => m.containers?.get(id)?.container ?? id;

export const isMember = (m: Membership, id: string): boolean => m.current.members.some(x => x.id === id);

export const rankOf = (m: Membership, id: string): number => m.current.members.findIndex(x => x.id === id);

/** Members whose link is up and who are still the process that the generation was formed with. */
export function attached(m: Membership): Worker[] {
  return m.current.members.flatMap(member => {
    const worker = m.workers.get(member.id);
    return worker?.connected && worker.incarnation === member.incarnation ? [worker] : [];
  });
}

/** How many workers should hold ranks: those wanted, less those that the supervisor gave up. */
export function target(m: Membership): number {
  let gone = 0;
  for (const fact of m.containers?.values() ?? []) if (fact.gaveUp !== null) gone += 1;
  return Math.max(0, m.wanted - gone);
}
