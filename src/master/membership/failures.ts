/** Tells an error that trying again may cure from one that it cannot. */
import type { Inbound } from '../../protocol/messages.ts';
import type { Membership } from './state.ts';

type Failed = Extract<Inbound, { type: 'failed' }>;

/**
 * True when `failed` from worker `id` ends the job: it is fatal by itself, or the same worker failed the same way before
 * and nobody committed a step in between. Remembers it otherwise. The first time is a try; it may be a cosmic ray.
 */
export function isDeterministic(m: Membership, id: string, failed: Failed): boolean {
  if (failed.fatal) return true;
  const before = m.failures.get(id);
  m.failures.set(id, { fingerprint: failed.fingerprint, bestStep: m.bestStep });
  return before?.fingerprint === failed.fingerprint && before.bestStep >= m.bestStep;
}
