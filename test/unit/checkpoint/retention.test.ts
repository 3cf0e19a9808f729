import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { best, expendable, isPinned, prunable } from '../../../src/checkpoint/retention.ts';
import { byStep, type CheckpointRow, CheckpointState, isGood } from '../../../src/api/checkpoint-row.ts';
import { rowOf as row } from './rows.ts';

const anyRows = fc
  .tuple(
    fc.uniqueArray(fc.record({ step: fc.nat(60), state: fc.constantFrom(...CheckpointState.options) }), {
      maxLength: 14,
      selector: ({ step }) => step,
    }),
    fc.nat(20),
  )
  .map(([all, latest]) => all.map(({ step, state }, i) => row(step, { state, latest: i === latest })));
const retention = fc.record({
  keep: fc.integer({ min: 0, max: 6 }),
  pinEvery: fc.option(fc.integer({ min: 1, max: 12 })),
});
const steps = (rows: readonly CheckpointRow[]) => rows.map(r => r.step);

describe('what retention lets go', () => {
  it('is everything good but what a rule keeps, oldest first', () => {
    fc.assert(
      fc.property(anyRows, retention, (rows, rules) => {
        const good = rows.filter(isGood).sort(byStep);
        const wanted = good
          .filter((_, newer) => newer >= Math.max(1, rules.keep))
          .filter(r => !r.latest && !isPinned(r.step, rules.pinEvery))
          .filter(r => r !== good.find(({ state }) => state === 'valid'));
        const isKnown = good.some(({ state }) => state === 'valid');
        expect(prunable(rows, rules)).toEqual(isKnown ? wanted.reverse() : []);
      }),
    );
  });

  it('is nothing while none is known to be whole: the newer ones may all be damaged', () => {
    const rows = [row(150), row(100), row(50)];
    const rules = { keep: 1, pinEvery: null };
    expect(prunable(rows, rules)).toEqual([]);
    expect(steps(prunable(rows, rules, 150))).toEqual([50, 100]);
    expect(steps(prunable(rows, rules, 100))).toEqual([50]);
    expect(prunable(rows, rules, 200)).toEqual([]);
    expect(prunable([row(150, { state: 'damaged' }), row(100), row(50)], rules, 150)).toEqual([]);
  });

  it('is never the last one that could be loaded, nor the last that is known to be', () => {
    fc.assert(
      fc.property(anyRows, retention, (rows, rules) => {
        const gone = new Set(prunable(rows, rules));
        for (const test of [isGood, ({ state }: CheckpointRow) => state === 'valid']) {
          const before = rows.filter(test);
          const left = before.filter(r => !gone.has(r));
          expect(left.length > 0).toBe(before.length > 0);
          if (before.length > 0) expect(Math.max(...steps(left))).toBe(Math.max(...steps(before)));
        }
      }),
    );
  });

  it('does not depend on the order in which they are listed, and is nothing the second time', () => {
    fc.assert(
      fc.property(anyRows, retention, (rows, rules) => {
        const gone = prunable(rows, rules);
        expect(prunable([...rows].reverse(), rules)).toEqual(gone);
        expect(
          prunable(
            rows.filter(r => !gone.includes(r)),
            rules,
          ),
        ).toEqual([]);
      }),
    );
  });

  it('leaves damaged ones alone, and does not count them', () => {
    const rows = [
      row(50, { state: 'damaged' }),
      row(40, { state: 'valid' }),
      row(30),
      row(20),
      row(10, { state: 'aside' }),
    ];
    expect(steps(prunable(rows, { keep: 2, pinEvery: null }))).toEqual([20]);
  });

  it('keeps the newest valid one until a newer one is known to be valid', () => {
    const rows = [row(50), row(40), row(30, { state: 'valid' }), row(20, { state: 'valid' })];
    expect(steps(prunable(rows, { keep: 1, pinEvery: null }))).toEqual([20, 40]);
  });

  it('keeps every so-many-th', () => {
    const rows = [600, 550, 500, 450, 400, 350, 300].map(step => row(step));
    expect(steps(prunable(rows, { keep: 1, pinEvery: 200 }, 600))).toEqual([300, 350, 450, 500, 550]);
  });
});

describe('the best by a metric', () => {
  const value = fc.option(fc.integer({ min: -3, max: 3 }));
  const scored = fc.tuple(anyRows, fc.array(value, { minLength: 14, maxLength: 14 })).map(([rows, values]) =>
    rows.map((r, i) => ({
      ...r,
      metrics: values[i] == null ? { other: 1 } : { other: 1, acc: values[i] },
    })),
  );
  const rule = fc.record({
    metric: fc.constant('acc'),
    mode: fc.constantFrom('min' as const, 'max' as const),
    keep: fc.integer({ min: 1, max: 4 }),
  });

  it('are as many as are asked for, of the good ones that have it; of equal ones the newer', () => {
    fc.assert(
      fc.property(scored, rule, (rows, r) => {
        const found = best(rows, r);
        const may = rows.filter(row => isGood(row) && 'acc' in row.metrics);
        expect(found).toHaveLength(Math.min(r.keep, may.length));
        const value = (row: CheckpointRow) => (row.metrics['acc'] ?? NaN) * (r.mode === 'min' ? 1 : -1);
        for (const row of may.filter(one => !found.includes(one)))
          for (const one of found)
            expect(value(one) < value(row) || (value(one) === value(row) && one.step > row.step)).toBe(true);
      }),
    );
  });

  it('stay, and nothing else changes: no other goes, and none goes that stayed before', () => {
    fc.assert(
      fc.property(scored, retention, rule, (rows, rules, keepBest) => {
        const before = prunable(rows, rules);
        const chosen = best(rows, keepBest);
        expect(prunable(rows, { ...rules, keepBest })).toEqual(before.filter(row => !chosen.includes(row)));
        expect(chosen).not.toContain(expendable(rows, { ...rules, keepBest }));
      }),
    );
  });

  it('are none without the metric, also where JavaScript has something of that name', () => {
    expect(best([row(10)], { metric: 'constructor', mode: 'max', keep: 1 })).toEqual([]);
    expect(best([row(10, { metrics: { acc: 1 } })], null)).toEqual([]);
  });

  it('gives way to the next best when it turns out to be damaged', () => {
    const rows = [row(40, { state: 'valid' }), row(30), row(20, { metrics: { acc: 9 } })];
    const second = row(10, { metrics: { acc: 5 } });
    const rules = { keep: 1, pinEvery: null, keepBest: { metric: 'acc', mode: 'max', keep: 1 } } as const;
    expect(steps(prunable([...rows, second], rules))).toEqual([10, 30]);
    const damaged = [...rows.slice(0, 2), row(20, { metrics: { acc: 9 }, state: 'damaged' }), second];
    expect(steps(prunable(damaged, rules))).toEqual([30]);
  });
});

describe('what makes room on a full disk', () => {
  it('is the oldest good one, never what training would go on from, LATEST or a pinned one', () => {
    fc.assert(
      fc.property(anyRows, retention, (rows, { pinEvery }) => {
        const good = rows.filter(isGood).sort(byStep);
        const anchor = good.find(r => r.state === 'valid') ?? good[0];
        const may = good.filter(r => r !== anchor && !r.latest && !isPinned(r.step, pinEvery));
        expect(expendable(rows, { pinEvery })).toBe(may.at(-1) ?? null);
      }),
    );
  });

  it('may be taken again and again until one is left', () => {
    let rows = [row(50, { latest: true }), row(40), row(30), row(20)];
    const gone = [];
    const all = { pinEvery: null };
    for (let next = expendable(rows, all); next !== null; next = expendable(rows, all)) {
      gone.push(next.step);
      rows = rows.filter(r => r !== next);
    }
    expect([gone, steps(rows)]).toEqual([[20, 30, 40], [50]]);
  });
});
