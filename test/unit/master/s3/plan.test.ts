import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plan, type RemoteStep, retained, type Seen } from '../../../../src/master/s3/plan.ts';

const whole = (...steps: number[]): RemoteStep[] =>
  steps.map(step => ({ step, complete: true, damaged: false }));
const seen = (more: Partial<Seen>): Seen => ({
  local: [],
  remote: [],
  own: null,
  keep: 3,
  pinEvery: null,
  ...more,
});

describe('what is copied next', () => {
  it('is what is not there, newest first', () => {
    expect(plan(seen({ local: [10, 30, 20], remote: whole(10) })).upload).toEqual([30, 20]);
  });

  it('is nothing that would be removed again at once', () => {
    expect(plan(seen({ local: [50], remote: whole(900, 950, 1000) })).upload).toEqual([]);
    expect(plan(seen({ local: [1, 2, 3, 4, 5], keep: 2 })).upload).toEqual([5, 4]);
    expect(plan(seen({ local: [50], remote: whole(900, 950, 1000), pinEvery: 50 })).upload).toEqual([50]);
  });

  it('is again what is there, damaged or in part', () => {
    const remote = [
      { step: 10, complete: true, damaged: true },
      { step: 20, complete: false, damaged: false },
    ];
    expect(plan(seen({ local: [10, 20], remote })).upload).toEqual([20, 10]);
  });
});

describe('what is removed there', () => {
  it('is what retention does not keep, oldest first', () => {
    expect(plan(seen({ remote: whole(10, 20, 30, 40, 50), own: 50 })).prune).toEqual([10, 20]);
    expect(plan(seen({ remote: whole(10, 20, 30, 40, 50), own: 50, pinEvery: 20 })).prune).toEqual([10]);
  });

  it('is never above what this run has there', () => {
    expect(plan(seen({ local: [100], remote: whole(100, 900, 950, 1000), own: 100 })).prune).toEqual([100]);
    expect(plan(seen({ local: [100], remote: whole(800, 850, 900, 950, 1000) })).prune).toEqual([]);
  });

  it('is half of one that nobody goes on with', () => {
    const remote = [{ step: 10, complete: false, damaged: false }, ...whole(20)];
    expect(plan(seen({ remote, own: 20 })).prune).toEqual([10]);
    expect(plan(seen({ remote, own: null })).prune).toEqual([]);
    expect(plan(seen({ local: [10], remote, own: 20 })).prune).toEqual([]);
  });

  it('is a damaged one only when it would be too old in any case', () => {
    const damaged = { step: 35, complete: true, damaged: true };
    expect(plan(seen({ remote: [...whole(30, 40, 50), damaged], own: 50 })).prune).toEqual([]);
    expect(plan(seen({ remote: [...whole(40, 50, 60), damaged], own: 60 })).prune).toEqual([35]);
  });
});

const steps = fc.uniqueArray(fc.integer({ min: 0, max: 30 }), { maxLength: 12 });
const anything: fc.Arbitrary<Seen> = fc.record({
  local: steps,
  remote: fc.uniqueArray(
    fc.record({ step: fc.integer({ min: 0, max: 30 }), complete: fc.boolean(), damaged: fc.boolean() }),
    { selector: r => r.step, maxLength: 12 },
  ),
  own: fc.option(fc.integer({ min: 0, max: 30 })),
  keep: fc.integer({ min: 1, max: 5 }),
  pinEvery: fc.option(fc.integer({ min: 1, max: 6 })),
});
const good = (s: Seen): number[] => s.remote.filter(r => r.complete && !r.damaged).map(r => r.step);

it('the newest whole one always stays, and so does all that is above this run’s', () => {
  fc.assert(
    fc.property(anything, s => {
      const { prune, upload } = plan(s);
      expect(prune).not.toContain(Math.max(...good(s)));
      for (const step of prune) {
        expect(step).toBeLessThanOrEqual(s.own ?? -1);
        expect(upload).not.toContain(step);
      }
      for (const step of upload) {
        expect(s.local).toContain(step);
        expect(good(s)).not.toContain(step);
      }
    }),
    { numRuns: 2000 },
  );
});

it('done again and again it comes to an end, with what retention keeps of all', () => {
  fc.assert(
    fc.property(anything, first => {
      let s = first;
      for (let turn = 0; ; turn += 1) {
        expect(turn).toBeLessThan(60);
        const { upload, prune } = plan(s);
        const [next] = upload;
        if (next !== undefined) {
          const rest = s.remote.filter(r => r.step !== next);
          s = { ...s, remote: [...rest, ...whole(next)], own: Math.max(s.own ?? 0, next) };
        } else if (prune.length > 0) s = { ...s, remote: s.remote.filter(r => r.step !== prune[0]) };
        else break;
      }
      const before = [...first.local, ...good(first)];
      const kept = retained(before, s.keep, s.pinEvery);
      for (const step of good(s)) expect(before).toContain(step);
      for (const step of kept) expect(good(s)).toContain(step);
      for (const step of good(s)) if (!kept.has(step)) expect(step).toBeGreaterThan(s.own ?? -1);
    }),
    { numRuns: 2000 },
  );
});
