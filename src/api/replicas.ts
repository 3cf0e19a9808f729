/** What the checks of the replicas have shown, as the status tells it. */
import { z } from 'zod';
import { Divergence } from '../protocol/inbound.ts';

/** Workers that did not hold the same state. `at`: when the master heard of it, milliseconds since the epoch. */
export const Mismatch = z.object({ ...Divergence.shape, at: z.number() });
export type Mismatch = z.infer<typeof Mismatch>;

export const ReplicaStatus = z.object({
  /** How often all workers compared their state, and it was the same. */
  checks: z.int(),
  /** The newest step after which the whole state was known to be the same in all workers; null before there is one. */
  checkedStep: z.int().nullable(),
  /** How often it was not the same: those repaired, those after which all went back, and those that failed the job. */
  mismatches: z.int(),
  repaired: z.int(),
  returned: z.int(),
  last: Mismatch.nullable(),
});
export type ReplicaStatus = z.infer<typeof ReplicaStatus>;

/** What is known of a job whose master knows nothing of checks. */
export const noChecks: ReplicaStatus = {
  checks: 0,
  checkedStep: null,
  mismatches: 0,
  repaired: 0,
  returned: 0,
  last: null,
};

/** What can be added up over jobs. */
export const ReplicaCounts = ReplicaStatus.pick({
  checks: true,
  mismatches: true,
  repaired: true,
  returned: true,
});
export type ReplicaCounts = z.infer<typeof ReplicaCounts>;

export function countsOf({ replicas }: { readonly replicas: ReplicaStatus }): ReplicaCounts {
  const { checks, mismatches, repaired, returned } = replicas;
  return { checks, mismatches, repaired, returned };
}

export const noCounts: ReplicaCounts = countsOf({ replicas: noChecks });
