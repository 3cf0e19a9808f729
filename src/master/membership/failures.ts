/** Tells an error that trying again may cure from one that it cannot. */
import type { Inbound } from '../../protocol/inbound.ts';
import type { Membership, Worker } from './state.ts';

type Failed = Extract<Inbound, { type: 'failed' }>;

/** Launchers tell in the fingerprint what was saved last: whoever of them fails again the same way, nothing was done between. */
const EVERYBODY = '';

/**
 * True when `failed` from `w` ends the job: it is fatal by itself, or the same worker failed the same way before and nobody
 * committed a step in between. Where a launcher runs the script, any worker: ranks move, and rank 1's error with them. But
 * all that fail in one generation are one try. Remembers it otherwise. The first time is a try; it may be a cosmic ray.
 */
export function isDeterministic(m: Membership, w: Worker, failed: Failed): boolean {
  if (failed.fatal) return true;
  const key = w.script === null ? w.id : EVERYBODY;
  const generation = w.script?.generation ?? 0;
  const before = m.failures.get(key);
  m.failures.set(key, { fingerprint: failed.fingerprint, bestStep: m.bestStep, generation });
  if (before?.fingerprint !== failed.fingerprint) return false;
  return w.script === null ? before.bestStep >= m.bestStep : before.generation < generation;
}
