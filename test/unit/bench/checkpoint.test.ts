import { describe, expect, it } from 'vitest';
import { figures, Measured, ratios, resumeOf, type Way } from '../../../bench/checkpoint/measured.ts';
import { targets } from '../../../bench/checkpoint/rows.ts';

const stretch = (way: Way, ms: number, saves: object[] = []) => ({ way, ms, steps: 20, due: 2, saves });
const save = (stall: number, more: object = {}) => ({ stall, durable: stall + 100, ...more });

const measured = (ftcStall: number, resume: [number, number][] = [[30, 20]]): Measured =>
  Measured.parse({
    bytes: 1000,
    copy: [20, 22, 18],
    stretches: [
      stretch('none', 1000),
      stretch('save', 1400, [save(200, { call: 140 }), save(220, { call: 150 })]),
      stretch('async', 1250, [save(30), save(40)]),
      stretch('ftc', 1010, [save(ftcStall, { delayed: 0 })]),
      // The next round begins with another way; its own undisturbed stretch is the measure.
      stretch('save', 1000, [save(190, { call: 130 })]),
      stretch('async', 1000),
      stretch('ftc', 2000, [save(ftcStall)]),
      stretch('none', 2000),
    ],
    resume,
  });

describe('figures of the checkpoint benchmark', () => {
  it('compares each way with the undisturbed stretch of its own round', () => {
    const { stretches } = measured(4);
    expect(ratios(stretches, 'ftc')).toEqual([1000 / 1010, 1]);
    expect(ratios(stretches, 'save')).toEqual([1000 / 1400, 2]);
    expect(() => ratios(stretches.slice(1, 5), 'ftc')).toThrow('not one of each way');
  });

  it('takes medians over all rounds, and counts what was left out', () => {
    const found = figures(measured(4), 'save');
    expect(found).toMatchObject({ stallMs: 200, callMs: 140, durableMs: 300, written: 3, due: 4 });
    expect(figures(measured(4), 'ftc')).toMatchObject({ stallMs: 4, written: 2, due: 4 });
    expect(resumeOf(measured(4, [[30, 20], [50, 20], [20, 20]]))).toEqual({ loadMs: 30, readMs: 20, ratio: 1.5 }); // prettier-ignore
  });

  it('says of each target whether it was met', () => {
    const met = (stall: number, resume: [number, number][]) =>
      targets([{ megabytes: 500, measured: measured(stall, resume) }], []).map(row => row[3]);
    expect(met(6.9, [[30, 20]])).toEqual(['yes', 'yes', 'yes']);
    expect(met(7.1, [[31, 20]])).toEqual(['yes', '**no**', '**no**']);
    expect(met(24.5, [[31, 20]])).toEqual(['**no**', '**no**', '**no**']);
  });
});
