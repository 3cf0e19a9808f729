import { type Role, ftcLabels } from '../../../src/shared/names.ts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Hit, Target } from '../../../chaos/faults/fault.ts';
import { choose, everybody, type Wish } from '../../../chaos/select.ts';
import type { Container } from '../../../src/runtime/docker/engine.ts';
import { FtcError } from '../../../src/errors.ts';
import type { Status } from '../../../src/api/status.ts';

const container = (id: string, more: Partial<Container> = {}): Container =>
  ({
    id: id.padStart(4, 'abc'),
    hostname: id,
    name: `job-worker-${id}`,
    role: 'worker',
    project: 'job',
    state: 'running',
    labels: {},
    ...more,
  }) as Container;

/** Workers 1 to n; the last of several waits. */
const workers = (n: number): Hit[] =>
  Array.from({ length: n }, (_, i) => ({
    container: container(String(i + 1), { id: `${i}`.padStart(4, 'abc') }),
    role: 'worker',
    rank: i === n - 1 && n > 1 ? null : i,
  }));

const statusOf = (hits: readonly Hit[]): Status =>
  ({
    step: 10,
    target: hits.filter(h => h.rank !== null).length,
    workers: hits.map(h => ({
      id: h.container.hostname,
      rank: h.rank,
      role: h.rank === null ? 'standby' : 'rank',
      step: 10,
      phase: h.rank === 1 ? 'sync' : 'compute',
    })),
  }) as unknown as Status;

const wish = (more: Partial<Wish>): Wish => ({ target: 'worker', seed: 0, ...more });
const pick = (more: Partial<Wish>, hits: readonly Hit[]): Hit[] => choose(wish(more), hits, statusOf(hits));

const somebody = fc.record({
  role: fc.constantFrom<Role>('worker', 'worker', 'worker', 'master', 'supervisor'),
  project: fc.constantFrom('job', 'job', 'job-verify-1', 'other'),
  state: fc.constantFrom<Container['state']>('running', 'running', 'exited', 'paused'),
  labels: fc.constantFrom<Container['labels']>(
    {},
    {},
    { [ftcLabels.exempt]: 'true' },
    { [ftcLabels.exempt]: 'no', a: 'b' },
  ),
  rank: fc.option(fc.nat({ max: 5 })),
});
const anyWish = fc.record<Wish>({
  target: fc.constantFrom<Target>('worker', 'standby', 'master', 'supervisor', 'all', 'engine'),
  ranks: fc.option(fc.uniqueArray(fc.nat({ max: 5 }), { minLength: 1, maxLength: 2 }), { nil: undefined }),
  container: fc.option(fc.constantFrom('c1', 'c2', 'c'), { nil: undefined }),
  label: fc.option(fc.constantFrom('a', 'a=b', ftcLabels.exempt), { nil: undefined }),
  all: fc.option(fc.boolean(), { nil: undefined }),
  count: fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined }),
  percent: fc.option(fc.integer({ min: 1, max: 100 }), { nil: undefined }),
  spare: fc.option(fc.boolean(), { nil: undefined }),
  seed: fc.nat(),
});

describe('whom a fault can hit', () => {
  it('is of the project, runs, is not exempt, and is the same for the same seed, whatever is asked for', () => {
    fc.assert(
      fc.property(fc.array(somebody, { maxLength: 10 }), anyWish, (all, w) => {
        const containers = all.map((c, i) => container(`c${i}`, { ...c, id: `c${i}`, name: `c${i}` }));
        const rows = all.map((c, i) => ({ id: `c${i}`, rank: c.rank, role: 'rank', step: 1 }));
        const status = { step: 1, target: 2, workers: rows } as unknown as Status;
        const job = everybody(containers, 'job', status);
        try {
          const hits = choose(w, job, status);
          expect(hits.length).toBeGreaterThan(0);
          expect(new Set(hits.map(h => h.container.id)).size).toBe(hits.length);
          for (const { container: c } of hits) {
            expect([c.project, c.state]).toEqual(['job', 'running']);
            expect(c.labels[ftcLabels.exempt]).not.toBe('true');
          }
          expect(choose(w, job, status)).toEqual(hits);
        } catch (error) {
          expect(error).toMatchObject({ code: 'FTC_NO_TARGET' });
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('leaves one who holds the state, where that is wanted', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 8 }),
        fc.integer({ min: 1, max: 8 }),
        fc.nat(),
        (n, count, seed) => {
          const hits = workers(n + 1);
          const chosen = pick({ count: Math.min(count, n - 1), seed, spare: true }, hits);
          expect(hits.some(h => h.rank !== null && !chosen.includes(h))).toBe(true);
          expect(chosen).toHaveLength(Math.min(count, n - 1));
          // Fewer than were asked for would be another experiment.
          expect(() => pick({ count: n, seed, spare: true }, hits)).toThrow('one holds the state');
          expect(pick({ percent: 100, seed, spare: true }, hits)).toHaveLength(n - 1);
        },
      ),
    );
  });

  it('leaves nobody in particular where those who are not chosen from hold the state', () => {
    const [hit] = pick({ spare: true, phases: ['sync'] }, workers(4));
    expect(hit?.rank).toBe(1);
  });
});

describe('selection', () => {
  it('is without repetition, and of the asked size', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 20 }),
        fc.nat(),
        fc.integer({ min: 1, max: 19 }),
        (n, seed, count) => {
          fc.pre(count < n);
          const chosen = pick({ seed, count }, workers(n));
          expect(new Set(chosen.map(c => c.container.id)).size).toBe(count);
          expect(pick({ seed, percent: (100 * count) / (n - 1) - 0.01 }, workers(n))).toHaveLength(count);
        },
      ),
    );
  });

  it('reaches every worker that trains', () => {
    const hit = new Set(
      Array.from({ length: 100 }, (_, seed) => pick({ seed }, workers(4))[0]?.container.name),
    );
    expect(hit.size).toBe(3);
  });

  it('takes a rank, ranks, a name, the beginning of an id, a label, or all', () => {
    const three = workers(3);
    expect(pick({ ranks: [1] }, three)[0]?.container.name).toBe('job-worker-2');
    expect(pick({ ranks: [1, 0] }, three).map(h => h.rank)).toEqual([1, 0]);
    expect(pick({ container: 'job-worker-3' }, three)[0]?.rank).toBeNull();
    expect(pick({ container: 'abc1' }, three)[0]?.rank).toBe(1);
    expect(pick({ target: 'all' }, three)).toHaveLength(3);
    expect(pick({ all: true }, three)).toHaveLength(2);
    const marked = [...three, { ...three[0]!, container: container('9', { labels: { a: 'b' } }) }];
    expect(pick({ label: 'a=b' }, marked)[0]?.container.name).toBe('job-worker-9');
  });

  it('prefers who is doing what is waited for', () => {
    for (let seed = 0; seed < 10; seed += 1)
      expect(pick({ phases: ['sync'], seed }, workers(4))[0]?.rank).toBe(1);
    expect(pick({ phases: ['regroup'] }, workers(4))).toHaveLength(1);
  });

  it('says what there is when nothing fits', () => {
    const there = 'There are: job-worker-1 (rank 0), job-worker-2 (no rank).';
    const wrong: Partial<Wish>[] = [
      { ranks: [7] },
      { container: 'x' },
      { container: 'abc' },
      { count: 3 },
      { label: 'b' },
    ];
    for (const w of wrong)
      expect(() => pick(w, workers(2))).toThrow(
        expect.objectContaining({ code: 'FTC_NO_TARGET', hint: there }) as Error,
      );
    expect(() => pick({}, [])).toThrow('no worker is running');
    expect(() => pick({ target: 'standby' }, workers(1))).toThrow(FtcError);
  });
});
