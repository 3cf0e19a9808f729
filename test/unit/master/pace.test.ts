import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Pace } from '../../../src/master/pace.ts';

describe('the pace', () => {
  it('is unknown until there is a difference', () => {
    const pace = new Pace();
    expect(pace.rates(0)).toBeNull();
    pace.note({ at: 0, step: 1, samples: 100 });
    pace.note({ at: 500, step: 1, samples: 100 });
    expect(pace.rates(500)).toBeNull();
    pace.note({ at: 1000, step: 3, samples: 300 });
    expect(pace.rates(1000)).toEqual({ samplesPerSecond: 200, secondsPerStep: 0.5 });
  });

  it('is that of a steady job, whichever worker tells and one step apart', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 20, max: 3000 }),
        fc.array(fc.boolean(), { minLength: 60, maxLength: 100 }),
        (ms, late) => {
          const pace = new Pace();
          late.forEach((behind, i) => {
            pace.note({ at: i * ms, step: i, samples: i * 240 });
            if (behind && i > 0) pace.note({ at: i * ms + 1, step: i - 1, samples: (i - 1) * 240 });
          });
          const rates = pace.rates(late.length * ms);
          expect(rates?.secondsPerStep).toBeCloseTo(ms / 1000, 9);
          expect(rates?.samplesPerSecond).toBeCloseTo(240_000 / ms, 6);
        },
      ),
    );
  });

  it('follows a change within its window', () => {
    const pace = new Pace();
    for (let i = 0; i <= 20; i += 1) pace.note({ at: i * 1000, step: i, samples: i });
    for (let i = 1; i <= 24; i += 1) pace.note({ at: 20_000 + i * 500, step: 20 + i, samples: 20 + i });
    expect(pace.rates(32_000)?.secondsPerStep).toBe(0.5);
  });

  it('starts over where everybody went back to a checkpoint', () => {
    const pace = new Pace();
    pace.note({ at: 0, step: 100, samples: 1000 });
    pace.note({ at: 1000, step: 110, samples: 1100 });
    pace.note({ at: 2000, step: 51, samples: 510 });
    expect(pace.rates(2000)).toBeNull();
    pace.note({ at: 3000, step: 52, samples: 520 });
    expect(pace.rates(3000)).toEqual({ samplesPerSecond: 10, secondsPerStep: 1 });
  });

  it('is unknown again when nothing moves', () => {
    const pace = new Pace();
    pace.note({ at: 0, step: 0, samples: 0 });
    pace.note({ at: 1000, step: 1, samples: 10 });
    expect(pace.rates(21_000)).not.toBeNull();
    expect(pace.rates(21_001)).toBeNull();
  });
});
