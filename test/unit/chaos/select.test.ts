import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Candidate, select } from '../../../chaos/select.ts';
import type { Container } from '../../../src/docker/engine.ts';

const candidates = (n: number): Candidate[] =>
  Array.from({ length: n }, (_, i) => ({
    container: { id: `${i}`.padStart(4, 'abc'), name: `job-worker-${i + 1}` } as Container,
    rank: i === n - 1 && n > 1 ? null : i,
  }));

describe('selection', () => {
  it('is repeatable, without repetition, and of the asked size', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.nat(),
        fc.integer({ min: 1, max: 20 }),
        (n, seed, count) => {
          fc.pre(count <= n);
          const chosen = select(candidates(n), { seed, count });
          expect(chosen).toEqual(select(candidates(n), { seed, count }));
          expect(new Set(chosen.map(c => c.container.id)).size).toBe(count);
        },
      ),
    );
  });

  it('reaches every worker', () => {
    const hit = new Set(
      Array.from({ length: 100 }, (_, seed) => select(candidates(3), { seed })[0]?.container.name),
    );
    expect(hit.size).toBe(3);
  });

  it('takes a rank, a name, the beginning of an id, or all', () => {
    expect(select(candidates(3), { seed: 0, rank: 1 })[0]?.container.name).toBe('job-worker-2');
    expect(select(candidates(3), { seed: 0, container: 'job-worker-3' })[0]?.rank).toBeNull();
    expect(select(candidates(3), { seed: 0, container: 'abc1' })[0]?.rank).toBe(1);
    expect(select(candidates(3), { seed: 0, all: true })).toHaveLength(3);
  });

  it('says what there is when nothing fits', () => {
    const there = 'There are: job-worker-1 (rank 0), job-worker-2 (no rank).';
    const wrong = [{ rank: 7 }, { container: 'x' }, { container: 'abc' }, { count: 3 }];
    for (const wish of wrong) {
      expect(() => select(candidates(2), { seed: 0, ...wish })).toThrow(
        expect.objectContaining({ code: 'FTC_NO_TARGET', hint: there }) as Error,
      );
    }
    expect(() => select([], { seed: 0 })).toThrow('no worker is running');
  });
});
