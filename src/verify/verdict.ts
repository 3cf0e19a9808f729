/** From what the runs showed to one answer. Pure. */
import { describeAct, describeTiming, type Planned } from '../../chaos/plan.ts';
import type { Recovery } from '../api/status.ts';
import { countsOf, type Mismatch, type ReplicaCounts } from '../api/replicas.ts';
import type { Applied } from './applied.ts';
import { stepsLost, times, type Times } from '../../chaos/evidence/holders.ts';
import type { RunRecord } from './run.ts';

export interface RunReport {
  /** The Compose project that it was. */
  readonly project: string;
  readonly workers: number;
  readonly standbys: number;
  readonly disturbed: boolean;
  readonly digest: string | null;
  readonly steps: number | null;
  /** From its first step to its end, milliseconds. */
  readonly trainingMs: number;
  readonly faults: readonly FaultReport[];
  /** Planned, and never applied. */
  readonly missed: readonly string[];
  readonly recoveries: readonly Recovery[];
  /** Committed steps that had to be done again although a worker was left that held the state. */
  readonly stepsLost: number;
  /** The same where nobody was left: training went back to a checkpoint. */
  readonly stepsRepeated: number;
  /** Of workers, by the supervisor. */
  readonly restarts: number;
  /** How often the workers compared their state, and what came of it. */
  readonly replicas: ReplicaCounts;
  /** The last time that they differed; null where they never did. */
  readonly mismatch: Mismatch | null;
}

interface FaultReport {
  /** `kill a worker`, as planned. */
  readonly fault: string;
  /** Since the run's first step, milliseconds. */
  readonly afterMs: number;
  readonly step: number;
  readonly hits: readonly {
    readonly container: string;
    readonly role: string;
    readonly rank: number | null;
  }[];
  readonly resumedMs: number | null;
  readonly wholeMs: number | null;
}

type Verdict = 'same bits' | 'different bits' | 'steps lost' | 'nothing proved';

export interface VerifyReport {
  readonly job: string;
  /** Of the faults: the same seed breaks the same places. */
  readonly seed: number;
  readonly verdict: Verdict;
  /** Why it is no pass; null where it is one. */
  readonly reason: string | null;
  /** All runs ended with one digest. */
  readonly equal: boolean;
  /** That digest. */
  readonly digest: string | null;
  readonly runs: readonly RunReport[];
  /** Applied, in all runs. */
  readonly faults: number;
  /** Workers that were lost while they held a rank. */
  readonly losses: number;
  readonly recoveries: number;
  readonly resumedMs: Times;
  readonly wholeMs: Times;
  readonly stepsLost: number;
  readonly stepsRepeated: number;
  readonly restarts: number;
  readonly replicas: ReplicaCounts;
}

export interface RunShape {
  readonly project: string;
  readonly workers: number;
  readonly standbys: number;
  readonly disturbed: boolean;
}

export function runReport(shape: RunShape, r: RunRecord): RunReport {
  const { lost, repeated } = stepsLost(r.recoveries, r.holders);
  return {
    ...shape,
    digest: r.status.finalDigest,
    steps: r.status.step,
    trainingMs: r.trainingMs,
    faults: r.faults.map(faultReport),
    missed: r.missed.map(describe),
    recoveries: r.recoveries,
    stepsLost: lost,
    stepsRepeated: repeated,
    restarts: r.status.workers.reduce((sum, w) => sum + w.restarts, 0),
    replicas: countsOf(r.status),
    mismatch: r.status.replicas.last,
  };
}

export function verdict(job: string, seed: number, runs: readonly RunReport[]): VerifyReport {
  const digests = new Set(runs.map(r => r.digest));
  const [digest = null] = digests;
  const equal = digests.size === 1 && digest !== null;
  const all = runs.flatMap(r => r.recoveries);
  const sum = (of: (r: RunReport) => number): number => runs.reduce((total, r) => total + of(r), 0);
  const lost = sum(r => r.stepsLost);
  const untouched = runs.filter(r => r.disturbed && r.faults.length === 0);
  const [said, reason] = judge(equal, lost, untouched);
  return {
    job,
    seed,
    verdict: said,
    reason,
    equal,
    digest: equal ? digest : null,
    runs,
    faults: sum(r => r.faults.length),
    losses: all.reduce((total, r) => total + r.lost.length, 0),
    recoveries: all.length,
    resumedMs: times(all.map(r => r.resumedMs)),
    wholeMs: times(all.map(r => r.wholeMs)),
    stepsLost: lost,
    stepsRepeated: sum(r => r.stepsRepeated),
    restarts: sum(r => r.restarts),
    replicas: {
      checks: sum(r => r.replicas.checks),
      mismatches: sum(r => r.replicas.mismatches),
      repaired: sum(r => r.replicas.repaired),
      returned: sum(r => r.replicas.returned),
    },
  };
}

function judge(equal: boolean, lost: number, untouched: readonly RunReport[]): [Verdict, string | null] {
  if (!equal) return ['different bits', 'the runs ended with different digests'];
  if (lost > 0)
    return ['steps lost', `${lost} committed steps had to be done again although a worker was left`];
  if (untouched.length > 0)
    return ['nothing proved', 'no fault hit: nothing is proved; give the job more steps, or earlier faults'];
  return ['same bits', null];
}

function faultReport({ act, afterMs, step, hits, resumedMs, wholeMs }: Applied): FaultReport {
  return {
    fault: describeAct(act),
    afterMs,
    step,
    hits: hits.map(({ container, role, rank }) => ({ container: container.name, role, rank })),
    resumedMs,
    wholeMs,
  };
}

const describe = ({ act, timing }: Planned): string => `${describeAct(act)} ${describeTiming(timing)}`;
