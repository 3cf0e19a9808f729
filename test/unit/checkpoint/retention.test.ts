import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expendable, isPinned, prunable } from '../../../src/checkpoint/retention.ts';
import { byStep, type CheckpointRow, CheckpointState, isGood } from '../../../src/checkpoint/row.ts';
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

describe('what makes room on a full disk', () => {
  it('is the oldest good one, never what training would go on from, LATEST or a pinned one', () => {
    fc.assert(
      fc.property(anyRows, retention, (rows, { pinEvery }) => {
        const good = rows.filter(isGood).sort(byStep);
        const anchor = good.find(r => r.state === 'valid') ?? good[0];
        const may = good.filter(r => r !== anchor && !r.latest && !isPinned(r.step, pinEvery));
        expect(expendable(rows, pinEvery)).toBe(may.at(-1) ?? null);
      }),
    );
  });

  it('may be taken again and again until one is left', () => {
    let rows = [row(50, { latest: true }), row(40), row(30), row(20)];
    const gone = [];
    for (let next = expendable(rows, null); next !== null; next = expendable(rows, null)) {
      gone.push(next.step);
      rows = rows.filter(r => r !== next);
    }
    expect([gone, steps(rows)]).toEqual([[20, 30, 40], [50]]);
  });
});
