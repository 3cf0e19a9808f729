import { describe, expect, it } from 'vitest';
import { median, pairOrder, pairRatios, percentile, summarize } from '../../../bench/stats.ts';

describe('median', () => {
  it('is the middle value, whatever the order', () => {
    expect(median([30, 10, 20])).toBe(20);
  });
  it('of an even number is the mean of the two in the middle', () => {
    expect(median([1, 100, 3, 2])).toBe(2.5);
  });
  it('of none is no number', () => {
    expect(median([])).toBeNaN();
  });
  it('sorts by size, not by text', () => {
    expect(median([9, 10, 100])).toBe(10);
  });
});

describe('percentile, by nearest rank', () => {
  const hundred = Array.from({ length: 100 }, (_, i) => 100 - i);
  it('is a value that was measured', () => {
    expect(percentile(hundred, 99)).toBe(99);
    expect(percentile(hundred, 50)).toBe(50);
  });
  it('below 100 values is the greatest for 99', () => {
    expect(percentile(hundred.slice(1), 99)).toBe(99);
    expect(percentile([5, 7], 99)).toBe(7);
  });
  it('has its ends at the least and the greatest', () => {
    expect(summarize([3, 1, 2])).toEqual({ n: 3, median: 2, p99: 3, min: 1, max: 3 });
  });
});

describe('pairs', () => {
  it('take turns at being first', () => {
    expect(pairOrder(3).join('')).toBe('abbaab');
  });
  it('are compared with each other and nobody else', () => {
    const runs = pairOrder(2).map((side, i) => ({ side, value: [10, 20, 40, 10][i] ?? 0 }));
    expect(pairRatios(runs)).toEqual([0.5, 0.25]);
  });
  it('that are none are refused', () => {
    const one = { side: 'a', value: 1 } as const;
    expect(() => pairRatios([one, one])).toThrow(RangeError);
    expect(() => pairRatios([one])).toThrow(RangeError);
  });
});
