/** Losses of which nobody knows how they ended. Pure. */
import type { Evidence } from './evidence.ts';

/** Those after which training went on, by the steps that were seen, without a word of the master's on when and where. */
export function unmeasured({ recoveries, steps, origin, totalSteps }: Evidence): number {
  const goesOn = (at: number, from: number): boolean =>
    steps.some(([t, step]) => {
      if (step === null || t <= at - origin) return false;
      // What was committed just before is heard a moment later; after the last step there is nothing to go on with.
      return step > 0 && Math.abs(step - from) > 1 && step < (totalSteps ?? Infinity);
    });
  return recoveries.filter(r => r.resumedMs === null && goesOn(r.at, r.atStep)).length;
}
