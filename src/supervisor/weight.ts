/**
 * Who goes before the others: a worker that is on its way back. All others train on every CPU there is and wait for it in the end: while
 * it loads torch it is favoured. Pure.
 */
import type { Replica } from '../runtime/replica.ts';

/** It is not held for longer, ready or not. Milliseconds. */
const MOST_MS = 30_000;

/** Ids of workers that need it no longer, and when to look again. */
export function heavy(
  containers: readonly Replica[],
  healthy: (id: string) => boolean,
  now: number,
): { done: string[]; nextAt: number | null } {
  const done: string[] = [];
  let nextAt: number | null = null;
  for (const c of containers) {
    if (c.role !== 'worker' || !c.favoured || c.state !== 'running') continue;
    const until = (c.startedAt ?? 0) + MOST_MS;
    if (healthy(c.id) || until <= now) done.push(c.id);
    else nextAt = Math.min(nextAt ?? Infinity, until);
  }
  return { done, nextAt };
}
