/** For how long training did not move. Pure. */
import type { Evidence } from './evidence.ts';

export interface Standstill {
  readonly ms: number;
  /** Since the watch began. */
  readonly from: number;
  /** The step at which it stood. */
  readonly step: number;
}

/**
 * The longest time without a step between the first one and the last. While the master does not answer nobody sees the
 * steps: such a time counts only when none was made in it.
 */
export function longestStandstill(e: Evidence): Standstill | null {
  const found: Standstill[] = [];
  let since: { at: number; step: number } | null = null;
  let silentFrom: number | null = null;
  const close = (to: number): void => {
    if (since) found.push({ ms: to - since.at, from: since.at, step: since.step });
  };
  for (const [at, step] of e.steps) {
    if (since && since.step === e.totalSteps) break;
    if (step === null) {
      silentFrom ??= at;
      continue;
    }
    if (step === since?.step) {
      silentFrom = null;
      continue;
    }
    close(silentFrom ?? at);
    silentFrom = null;
    since = step > 0 || since ? { at, step } : null;
  }
  if (since && since.step !== e.totalSteps) close(silentFrom ?? e.end);
  return found.reduce<Standstill | null>((most, one) => (one.ms > (most?.ms ?? -1) ? one : most), null);
}
