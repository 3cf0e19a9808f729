/** The few statistics that the tables need. Pure. */

/** The middle; of an even number of values the mean of the two in the middle. NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = ascending(values);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}

/** By nearest rank: the least value that `percent` of all are at or below. Below 100 values, the 99th is the greatest. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = ascending(values);
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? NaN;
}

export interface Summary {
  readonly n: number;
  readonly median: number;
  readonly p99: number;
  readonly min: number;
  readonly max: number;
}

export function summarize(values: readonly number[]): Summary {
  return {
    n: values.length,
    median: median(values),
    p99: percentile(values, 99),
    min: percentile(values, 0),
    max: percentile(values, 100),
  };
}

export type Side = 'a' | 'b';

/** In which order pairs are run, so that a drift of the machine falls on both sides alike: a b, b a, a b, … */
export function pairOrder(pairs: number): Side[] {
  return Array.from({ length: pairs }, (_, i): Side[] => (i % 2 === 0 ? ['a', 'b'] : ['b', 'a'])).flat();
}

export interface Measured {
  readonly side: Side;
  readonly value: number;
}

/** a ÷ b of each pair, in the order in which they were run. @throws RangeError where two neighbours are no pair */
export function pairRatios(runs: readonly Measured[]): number[] {
  const ratios: number[] = [];
  for (let i = 0; i < runs.length; i += 2) {
    const pair = runs.slice(i, i + 2);
    const a = pair.find(run => run.side === 'a');
    const b = pair.find(run => run.side === 'b');
    if (!a || !b) throw new RangeError(`runs ${i} and ${i + 1} are not one of each side`);
    ratios.push(a.value / b.value);
  }
  return ratios;
}

function ascending(values: readonly number[]): number[] {
  return [...values].sort((a, b) => a - b);
}
