import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CheckpointState, isGood } from '../../../../src/api/checkpoint-row.ts';
import { planScrub, restAfter } from '../../../../src/master/checkpoints/scrub-plan.ts';
import { rowOf } from '../../checkpoint/rows.ts';

const HOUR = 3_600_000;
const NOW = 100 * HOUR;
const plan = (rows: Parameters<typeof planScrub>[0], { restUntil = 0, now = NOW, turn = 0 } = {}) =>
  planScrub(rows, { now, everyMs: HOUR, restUntil, turn });
const valid = (step: number, age: number) => rowOf(step, { state: 'valid', checkedAt: NOW - age });

describe('what is verified next', () => {
  it('is the newest that nobody has looked at, and in every other turn the one that waited longest', () => {
    const rows = [valid(50, 2 * HOUR), rowOf(40), valid(30, 1), rowOf(20)];
    expect([0, 1, 2].map(turn => plan(rows, { turn }))).toEqual([
      { verify: 40 },
      { verify: 20 },
      { verify: 40 },
    ]);
  });

  it('is then the one whose last look is the oldest', () => {
    for (const turn of [0, 1]) {
      expect(plan([valid(50, HOUR), valid(40, 2 * HOUR), valid(30, HOUR - 1)], { turn })).toEqual({
        verify: 40,
      });
      expect(plan([valid(40, HOUR), valid(50, HOUR)], { turn })).toEqual({ verify: 40 });
    }
  });

  it('is nothing until the oldest look is too old', () => {
    expect(plan([valid(50, HOUR / 2), valid(40, HOUR / 4)])).toEqual({ waitMs: HOUR / 2 });
    expect(plan([])).toEqual({ waitMs: HOUR });
    const never = [rowOf(50, { state: 'damaged' }), rowOf(40, { state: 'aside' })];
    expect(plan(never)).toEqual({ waitMs: HOUR });
  });

  it('waits for the rest after the one before', () => {
    expect(plan([rowOf(50)], { restUntil: NOW + 700 })).toEqual({ waitMs: 700 });
    expect([restAfter(0, 5), restAfter(0, 30_000)]).toEqual([1000, 30_000]);
  });
});

it('gets round to every one, and then has nothing to do before one is due again', () => {
  const anyRow = fc.record({
    step: fc.nat(500),
    state: fc.constantFrom(...CheckpointState.options),
    checkedAt: fc.option(fc.integer({ min: NOW - 3 * HOUR, max: NOW })),
  });
  const anyRows = fc.uniqueArray(anyRow, { maxLength: 10, selector: r => r.step });
  fc.assert(
    fc.property(anyRows, found => {
      let rows = found.map(({ step, ...more }) => rowOf(step, more));
      let now = NOW;
      const looked: number[] = [];
      const fresh = rows.filter(r => isGood(r) && r.checkedAt === null).map(r => r.step);
      for (;;) {
        const next = plan(rows, { now, turn: looked.length });
        if ('waitMs' in next) {
          expect(next.waitMs).toBeGreaterThan(0);
          expect(next.waitMs).toBeLessThanOrEqual(HOUR);
          break;
        }
        looked.push(next.verify);
        const checkedAt = (now += 1);
        rows = rows.map(r => (r.step === next.verify ? { ...r, state: 'valid', checkedAt } : r));
      }
      expect(looked).toHaveLength(new Set(looked).size);
      expect(new Set(looked.slice(0, fresh.length))).toEqual(new Set(fresh));
      if (fresh.length > 0) expect(looked[0]).toBe(Math.max(...fresh));
      const good = rows.filter(isGood);
      expect(good.every(r => r.checkedAt !== null && now - r.checkedAt < HOUR + 1)).toBe(true);
    }),
  );
});

it('reads an old one although new ones come faster than they can be read', () => {
  const looked: number[] = [];
  let rows = [rowOf(1)];
  for (let turn = 0; turn < 10; turn += 1) {
    rows = [rowOf(100 + 2 * turn), rowOf(101 + 2 * turn), ...rows];
    const next = plan(rows, { turn });
    if (!('verify' in next)) break;
    looked.push(next.verify);
    rows = rows.map(r => (r.step === next.verify ? { ...r, state: 'valid', checkedAt: NOW } : r));
  }
  expect(looked.slice(0, 4)).toEqual([101, 1, 105, 100]);
});
