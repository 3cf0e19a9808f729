import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { holdersOf, merge, remember, stepsLost, times } from '../../../chaos/evidence/holders.ts';
import { recovery, status } from '../verify/made.ts';

describe('steps that had to be done again', () => {
  const seen = [{ generation: 1, ids: ['a', 'b', 'c'] }];

  it('are lost when somebody was left who held the state', () => {
    const one = recovery({ lost: ['a', 'b'], stepsLost: 4 });
    expect(stepsLost([one], seen)).toEqual({ lost: 4, repeated: 0 });
  });

  it('are repeated when nobody was', () => {
    const all = recovery({ lost: ['c', 'a', 'b'], stepsLost: 4 });
    expect(stepsLost([all], seen)).toEqual({ lost: 0, repeated: 4 });
  });

  it('are repeated when the last holders went one after the other', () => {
    const first = recovery({ generation: 2, lost: ['a'] });
    const rest = recovery({ generation: 3, lost: ['b', 'c'], stepsLost: 7, at: 2000 });
    expect(stepsLost([first, rest], seen)).toEqual({ lost: 0, repeated: 7 });
    const known = [...seen, { generation: 2, ids: ['b', 'c', 'd'] }];
    expect(stepsLost([first, rest], known)).toEqual({ lost: 7, repeated: 0 });
  });

  it('are lost where nothing is known, and none where training never went on', () => {
    expect(stepsLost([recovery({ stepsLost: 2 })], [])).toEqual({ lost: 2, repeated: 0 });
    expect(stepsLost([recovery({ stepsLost: null })], seen)).toEqual({ lost: 0, repeated: 0 });
  });
});

describe('what is remembered of a run', () => {
  it('is who held the newest state, by generation', () => {
    const now = holdersOf(
      status({ generation: 3, step: 10 }, [
        ['a', 0, 10],
        ['b', 1, 9],
        ['c', 2, 8],
        ['d', null, 10],
        ['e', 3, null],
      ]),
    );
    expect(now).toEqual({ generation: 3, ids: ['a', 'b'] });
    const before = [
      { generation: 3, ids: ['x'] },
      { generation: 4, ids: ['y'] },
    ];
    expect(remember(before, now)).toEqual([now, before[1]]);
    expect(remember(before, { generation: 5, ids: [] })).toEqual(before);
  });

  it('survives a master that forgot its last recovery', () => {
    const [first, second] = [recovery({ at: 1 }), recovery({ at: 2, resumedMs: null })];
    expect(merge([first, second], [first])).toEqual([first, second]);
    expect(merge([first, second], [recovery({ at: 2 })])).toEqual([first, recovery({ at: 2 })]);
  });

  it('has a median and a maximum', () => {
    expect(times([])).toEqual({ median: null, max: null });
    expect(times([3, null, 1, 2])).toEqual({ median: 2, max: 3 });
    expect(times([4, 1, 2, 3])).toEqual({ median: 2.5, max: 4 });
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 1e6 }), { minLength: 1 }), values => {
        const { median, max } = times(values);
        expect(max).toBe(Math.max(...values));
        expect(values.filter(v => v <= (median ?? 0)).length * 2).toBeGreaterThanOrEqual(values.length);
        expect(values.filter(v => v >= (median ?? 0)).length * 2).toBeGreaterThanOrEqual(values.length);
      }),
    );
  });
});
