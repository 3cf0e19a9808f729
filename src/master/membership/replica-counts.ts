/** What is counted of the checks of replicas, and each mismatch once. No I/O. */
import type { Mismatch } from '../../api/replicas.ts';

/** What one process has checked. */
export interface Checks {
  /** Checks that agreed. */
  own: number;
  /** Those of the job before its first one. */
  before: number;
  /** It has trained nothing yet, so that `before` grows with the job. */
  fresh: boolean;
  /** As its last heartbeat told. */
  step: number | null;
}

export interface Replicas {
  checks: number;
  /** The newest that was told; training may have gone back since. */
  checkedStep: number | null;
  /** From the journal: what members of the current generation go on from, by incarnation. */
  readonly before: Map<string, number>;
  mismatches: number;
  repaired: number;
  returned: number;
  last: Mismatch | null;
  /** In how many mismatches a worker was named, by its id. */
  readonly named: Map<string, number>;
  /** Every member tells of the same mismatch: those that were counted, the newest of them. */
  seen: readonly Found[];
  /** The newest that is not among `seen` any more: one from before that has been counted. */
  forgotten: Found | null;
}

type Found = Pick<Mismatch, 'generation' | 'step' | 'tensor'>;
/** Mismatches that are remembered. */
const KEEP = 64;

export const createReplicas = (): Replicas => ({
  checks: 0,
  checkedStep: null,
  before: new Map(),
  mismatches: 0,
  repaired: 0,
  returned: 0,
  last: null,
  named: new Map(),
  seen: [],
  forgotten: null,
});

/** Counts a mismatch, and each worker that it names; false for one that was counted before. */
export function count(r: Replicas, mismatch: Mismatch): boolean {
  const { generation, step, tensor, action, toStep } = mismatch;
  if (r.forgotten !== null && order(mismatch, r.forgotten) <= 0) return false;
  if (r.seen.some(f => order(f, mismatch) === 0 && f.tensor === tensor)) return false;
  r.seen = [...r.seen, { generation, step, tensor }].sort(order);
  if (r.seen.length > KEEP) [r.forgotten, ...r.seen] = r.seen as [Found, ...Found[]];
  r.mismatches += 1;
  if (action === 'repaired') r.repaired += 1;
  if (action === 'returned') r.returned += 1;
  if (toStep !== null && r.checkedStep !== null) r.checkedStep = Math.min(r.checkedStep, toStep);
  r.last = mismatch;
  for (const id of new Set(mismatch.workers)) r.named.set(id, (r.named.get(id) ?? 0) + 1);
  return true;
}

const order = (a: Found, b: Found): number => a.generation - b.generation || a.step - b.step;
