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
 * The longest time without a step between the first one and the last; null where there was no step. While the master does not
 * answer nobody sees the steps: such a time counts only when none was made in it.
 */
export function longestStandstill(e: Pick<Evidence, 'steps' | 'totalSteps' | 'end'>): Standstill | null {
  return stands(e).reduce<Standstill | null>((most, one) => (one.ms > (most?.ms ?? -1) ? one : most), null);
}

function stands({ steps, totalSteps, end }: Pick<Evidence, 'steps' | 'totalSteps' | 'end'>): Standstill[] {
  const found: Standstill[] = [];
  const first = steps.findIndex(([, step]) => step !== null && step > 0);
  if (first === -1) return found;
  let [from, at] = steps[first] as [number, number];
  let best = at;
  let silentFrom: number | null = null;
  for (const [t, step] of steps.slice(first + 1)) {
    if (best === totalSteps) return found;
    if (step === null) silentFrom ??= t;
    else if (step === best) [at, silentFrom] = [step, null];
    // Back to a checkpoint, or as far as a master knows that has heard of nobody yet: the next step shows which.
    else if (step <= at) at = step;
    else {
      found.push({ ms: (step > best ? (silentFrom ?? t) : t) - from, from, step: best });
      [from, at, best, silentFrom] = [t, step, step, null];
    }
  }
  if (best !== totalSteps) found.push({ ms: (silentFrom ?? end) - from, from, step: best });
  return found;
}
