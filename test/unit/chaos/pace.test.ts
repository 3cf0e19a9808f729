import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { after, begin, decide, type Pace } from '../../../chaos/pace.ts';

const ms = fc.integer({ min: 0, max: 5_000 });
const pace = fc.record<Pace>({
  everyMs: fc.option(fc.tuple(ms, ms).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const)),
  times: fc.option(fc.integer({ min: 1, max: 8 })),
  totalMs: fc.option(fc.integer({ min: 1, max: 60_000 })),
  minIntervalMs: ms,
  maxConcurrent: fc.option(fc.integer({ min: 1, max: 4 })),
});
const looks = fc.array(
  fc.record({ after: fc.integer({ min: 1, max: 1_500 }), inForce: fc.nat({ max: 4 }), met: fc.boolean() }),
  { maxLength: 80 },
);

/** When something was broken, and what was in force then. */
function play(
  p: Pace,
  seed: number,
  wanted: number,
  all: readonly { after: number; inForce: number; met: boolean }[],
) {
  const hits: { at: number; inForce: number; met: boolean }[] = [];
  let [state, now] = [begin, 0];
  for (const look of all) {
    now += look.after;
    if (decide(p, state, now, { ...look, wanted }) !== 'hit') continue;
    hits.push({ at: now, inForce: look.inForce, met: look.met });
    state = after(p, state, now, seed);
  }
  return { hits, state, now };
}

describe('breaking again and again', () => {
  it('keeps the shortest interval, the most at one time, the number, the end, and what it waits for', () => {
    fc.assert(
      fc.property(pace, fc.nat(), fc.integer({ min: 1, max: 3 }), looks, (p, seed, wanted, all) => {
        const { hits } = play(p, seed, wanted, all);
        expect(hits.length).toBeLessThanOrEqual(p.times ?? Infinity);
        for (const [i, hit] of hits.entries()) {
          const gap = hit.at - (hits[i - 1]?.at ?? -Infinity);
          expect(gap).toBeGreaterThanOrEqual(Math.max(p.minIntervalMs, p.everyMs?.[0] ?? 0));
          expect(hit.inForce + wanted).toBeLessThanOrEqual(p.maxConcurrent ?? Infinity);
          expect(hit.at).toBeLessThan(p.totalMs ?? Infinity);
          expect(hit.met).toBe(true);
        }
      }),
    );
  });

  it('comes as soon as it may', () => {
    fc.assert(
      fc.property(pace, fc.nat(), looks, (p, seed, all) => {
        const { hits, state, now } = play(p, seed, 1, all);
        const free = { inForce: 0, wanted: 1, met: true };
        const longest = Math.max(p.everyMs?.[1] ?? 0, p.minIntervalMs);
        const over = hits.length >= (p.times ?? Infinity) || now + longest >= (p.totalMs ?? Infinity);
        if (!over) expect(decide(p, state, now + longest, free)).toBe('hit');
      }),
    );
  });

  it('draws the same intervals for the same seed, and others for others', () => {
    const p: Pace = {
      everyMs: [10, 30_000],
      times: null,
      totalMs: null,
      minIntervalMs: 0,
      maxConcurrent: null,
    };
    const due = (seed: number): number[] =>
      [0, 1, 2].map(count => after(p, { ...begin, count }, 0, seed).dueAt);
    expect(due(7)).toEqual(due(7));
    expect(new Set([...due(7), ...due(8_000)]).size).toBe(6);
  });
});
