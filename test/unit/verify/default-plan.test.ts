import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describeAct } from '../../../chaos/plan.ts';
import { defaultPlan } from '../../../src/verify/default-plan.ts';

const run = fc.record({
  totalSteps: fc.integer({ min: 1, max: 100_000 }),
  trainingMs: fc.integer({ min: 0, max: 10_000_000 }),
  heartbeatMs: fc.integer({ min: 500, max: 60_000 }),
});

const steps = (plan: ReturnType<typeof defaultPlan>): number[] =>
  plan.map(({ timing }) => ('at' in timing && 'steps' in timing.at ? timing.at.steps : NaN));

describe('the default faults', () => {
  it('lie within the run, in order, some and not too many, the same for the same seed', () => {
    fc.assert(
      fc.property(run, fc.nat(), (u, seed) => {
        const plan = defaultPlan(u, seed);
        expect(plan).toEqual(defaultPlan(u, seed));
        const at = steps(plan);
        expect(at).toEqual([...at].sort((a, b) => a - b));
        expect(at.every(step => step >= 1 && step <= Math.max(1, 0.95 * u.totalSteps + 1))).toBe(true);
        const kills = plan.filter(({ act }) => describeAct(act) === 'kill a worker').length;
        expect(kills).toBeGreaterThanOrEqual(3);
        expect(kills).toBeLessThanOrEqual(40);
      }),
    );
  });

  it('are kills, a dead master, a short pause and one that is longer than the heartbeat', () => {
    const plan = defaultPlan({ totalSteps: 250, trainingMs: 24_000, heartbeatMs: 5_000 }, 1);
    expect(plan.map(({ act }) => describeAct(act)).filter(text => text !== 'kill a worker')).toEqual([
      'pause a worker for 1.00 s',
      'kill the master',
      'pause a worker for 7.00 s',
    ]);
    // Every three seconds or so, where a step takes 96 ms.
    const kills = steps(plan.filter(({ act }) => describeAct(act) === 'kill a worker'));
    const gaps = kills.slice(1).map((step, i) => step - (kills[i] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThan(10);
    expect(Math.max(...gaps)).toBeLessThan(50);
  });

  it('differ from seed to seed', () => {
    const u = { totalSteps: 1000, trainingMs: 60_000, heartbeatMs: 5_000 };
    expect(steps(defaultPlan(u, 1))).not.toEqual(steps(defaultPlan(u, 2)));
  });
});
