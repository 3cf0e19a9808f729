/** What is copied next, and what goes. Pure. */
import { isPinned } from '../../checkpoint/retention.ts';

/** A checkpoint in the bucket. */
export interface RemoteStep {
  readonly step: number;
  /** Its manifest is there, which is written last and removed first. */
  readonly complete: boolean;
  /** Known not to be what its manifest says. */
  readonly damaged: boolean;
}

export interface Seen {
  /** Steps in the volume that can be copied. */
  readonly local: readonly number[];
  readonly remote: readonly RemoteStep[];
  /** The highest step that is in the bucket and is this run's; null for none. What is above it is not this run's to remove. */
  readonly own: number | null;
  readonly keep: number;
  /** Those of every so-many-th step stay for good; null is none. */
  readonly pinEvery: number | null;
}

export interface Plan {
  /** Newest first. */
  readonly upload: readonly number[];
  /** Oldest first. */
  readonly prune: readonly number[];
}

/** The `keep` newest of `steps`, and those that stay for good. */
export function retained(steps: readonly number[], keep: number, pinEvery: number | null): Set<number> {
  const newest = [...new Set(steps)].sort((a, b) => b - a).slice(0, Math.max(1, keep));
  return new Set([...newest, ...steps.filter(step => isPinned(step, pinEvery))]);
}

/**
 * Copied is what is not there yet and would be kept there. What is there is written over only where it is damaged.
 * Removed is what is complete and not kept, and what has no manifest, both only below what this run has there: an older
 * volume never removes what a newer one has left. The newest complete one always stays.
 */
export function plan({ local, remote, own, keep, pinEvery }: Seen): Plan {
  const whole = remote.filter(r => r.complete && !r.damaged).map(r => r.step);
  const there = new Set(whole);
  const wanted = retained([...local, ...whole], keep, pinEvery);
  const upload = [...new Set(local)]
    .filter(step => wanted.has(step) && !there.has(step))
    .sort((a, b) => b - a);
  const kept = retained(whole, keep, pinEvery);
  const oldest = Math.min(...kept);
  const goes = (r: RemoteStep): boolean => {
    if (own === null || r.step > own || upload.includes(r.step)) return false;
    // A damaged one may be all that is left of its step: it goes only when it would be too old in any case.
    if (r.complete && r.damaged) return r.step < oldest;
    return r.complete ? !kept.has(r.step) : r.step < own;
  };
  const prune = remote.filter(goes).map(r => r.step);
  return { upload, prune: [...new Set(prune)].sort((a, b) => a - b) };
}
