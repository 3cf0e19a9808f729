/** A fault that was applied, and what came of it. Pure. */
import type { Hit } from '../../chaos/faults/fault.ts';
import type { Act } from '../../chaos/plan.ts';
import type { Recovery, Status } from '../api/status.ts';

export interface Applied {
  readonly act: Act;
  /** When, milliseconds since the epoch. */
  readonly at: number;
  /** The same since the run's first step. */
  readonly afterMs: number;
  /** Last step that was committed before, as far as the master had heard. */
  readonly step: number;
  readonly hits: readonly Hit[];
  /** From the fault to the next committed step; null while there is none, and where nobody was lost. */
  resumedMs: number | null;
  /** From the fault to the first step at full world size, or the master's next answer; null likewise. */
  wholeMs: number | null;
  /** Steps that were committed while the master was away. */
  stepsMeanwhile: number | null;
  /** The master has been seen silent since. */
  silent: boolean;
  reverted: boolean;
  /** Nothing more is to come of it. */
  settled: boolean;
}

export function applied(act: Act, at: number, afterMs: number, step: number, hits: readonly Hit[]): Applied {
  const pending = { resumedMs: null, wholeMs: null, stepsMeanwhile: null };
  return { act, at, afterMs, step, hits, ...pending, silent: false, reverted: false, settled: false };
}

/**
 * Takes in what the master says now; null when it does not answer.
 * @param until when the next fault hit one of the same; what is lost from then on is that one's doing
 */
export function observe(
  fault: Applied,
  status: Status | null,
  recoveries: readonly Recovery[],
  now: number,
  until = Infinity,
): void {
  if (fault.settled) return;
  if (!status) {
    fault.silent = true;
    return;
  }
  if (fault.act.kind === 'scale') {
    const { workers } = fault.act;
    fault.settled = status.target === workers && status.worldSize === workers;
    if (fault.settled) fault.wholeMs = Math.round(now - fault.at);
    return;
  }
  switch (fault.act.target) {
    case 'master':
      observeMaster(fault, status, now);
      return;
    case 'supervisor':
      fault.settled = true;
      return;
    default:
      observeWorkers(fault, status, recoveryOf(fault, recoveries, until));
  }
}

/** It answers before it has heard from the workers; that they went on shows a moment later. */
function observeMaster(fault: Applied, status: Status, now: number): void {
  const back = lasts(fault) ? fault.reverted : fault.silent;
  if (!back) return;
  fault.wholeMs ??= Math.round(now - fault.at);
  const steps = (status.step ?? 0) - fault.step;
  if (steps <= 0) return;
  fault.stepsMeanwhile = steps;
  fault.settled = true;
}

function observeWorkers(fault: Applied, status: Status, recovery: Recovery | null): void {
  if (recovery) {
    const since = (ms: number | null): number | null =>
      ms === null ? null : Math.max(0, Math.round(recovery.at + ms - fault.at));
    fault.resumedMs = since(recovery.resumedMs);
    fault.wholeMs = since(recovery.wholeMs);
    fault.settled = fault.wholeMs !== null;
    return;
  }
  const noRank = fault.hits.every(h => h.rank === null);
  // One that asked to leave is no loss; nor is a pause that nobody noticed.
  const left = fault.act.kind === 'fault' && fault.act.fault === 'stop';
  const harmless = noRank || left || (lasts(fault) && fault.reverted);
  const training = fault.hits.every(h =>
    status.workers.some(w => w.id === h.container.hostname && w.rank !== null),
  );
  fault.settled = harmless && (noRank || left || training);
}

const lasts = ({ act }: Applied): boolean => act.kind === 'fault' && act.forMs !== null;

/** The outage that the fault began or fell into. */
export function recoveryOf(
  fault: Applied,
  recoveries: readonly Recovery[],
  until = Infinity,
): Recovery | null {
  const ids = new Set(fault.hits.map(h => h.container.hostname));
  const hit = recoveries.filter(r => r.lost.some(id => ids.has(id)));
  const began = hit.find(r => r.at >= fault.at - 100 && r.at < until);
  const during = hit.findLast(
    r => r.at < fault.at && (r.resumedMs === null || r.at + r.resumedMs >= fault.at),
  );
  return during ?? began ?? null;
}

/** When the next fault hit one of those that `fault` hit. */
export function nextAt(fault: Applied, all: readonly Applied[]): number {
  const ids = new Set(fault.hits.map(h => h.container.id));
  const next = all.find(f => f.at > fault.at && f.hits.some(h => ids.has(h.container.id)));
  return next?.at ?? Infinity;
}
