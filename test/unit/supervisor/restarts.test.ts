import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  afterExit,
  afterStart,
  backoffMs,
  fresh,
  type RestartPolicy,
} from '../../../src/supervisor/restarts.ts';

const policy: RestartPolicy = {
  initialMs: 500,
  maxMs: 30_000,
  resetMs: 60_000,
  maxRestarts: 5,
  leftMs: 10_000,
};
const exit = (endedAt: number, exitCode = 137, ranMs = 100) => ({
  startedAt: endedAt - ranMs,
  endedAt,
  exitCode,
  oomKilled: false,
});

describe('restarts', () => {
  it('back off 0.5 s, 1 s, 2 s, …, at most 30 s', () => {
    expect([0, 1, 2, 3, 5, 6, 7, 50, 2000].map(n => backoffMs(policy, n))).toEqual([
      500, 1000, 2000, 4000, 16_000, 30_000, 30_000, 30_000, 30_000,
    ]);
  });

  it('begin anew after a minute of health', () => {
    let record = fresh;
    for (let i = 0; i < 3; i += 1) record = afterStart(afterExit(policy, record, exit(1000 + i)));
    expect(afterExit(policy, record, exit(10_000)).dueAt).toBe(14_000);
    expect(afterExit(policy, record, exit(100_000, 137, 60_000)).dueAt).toBe(100_500);
  });

  it('come at once after a run that was healthy, and back off anew from there', () => {
    let record = fresh;
    for (let i = 0; i < 4; i += 1) record = afterStart(afterExit(policy, record, exit(1000 + i)));
    record = afterExit(policy, { ...record, healthy: true }, exit(10_000));
    expect(record).toMatchObject({ dueAt: 10_000, inARow: 0, healthy: false });
    expect(afterExit(policy, afterStart(record), exit(11_000)).dueAt).toBe(12_000);
  });

  it('end at the limit, with the reason', () => {
    let record = fresh;
    for (let i = 0; i < 5; i += 1) record = afterStart(afterExit(policy, record, exit(i, 1)));
    record = afterExit(policy, record, exit(99, 1));
    expect(record).toMatchObject({
      dueAt: null,
      gaveUp: 'started 5 times in a row without staying up (exit code 1)',
    });
  });

  it('wait for one that left on request, and never start one that was refused', () => {
    expect(afterExit(policy, fresh, exit(1000, 0)).dueAt).toBe(11_000);
    expect(afterExit(policy, fresh, exit(1000, 2))).toMatchObject({ dueAt: null });
    expect(afterExit(policy, fresh, exit(1000, 2)).gaveUp).toContain('refused');
  });

  it('count an exit once, however often it is seen', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ code: fc.constantFrom(0, 1, 137), seen: fc.integer({ min: 1, max: 4 }) })),
        runs => {
          let record = fresh;
          let at = 0;
          for (const { code, seen } of runs) {
            at += 1000;
            const before = record;
            for (let i = 0; i < seen; i += 1) record = afterExit(policy, record, exit(at, code));
            expect(record).toEqual(afterExit(policy, before, exit(at, code)));
            if (record.dueAt !== null) record = afterStart(record);
            expect(record.inARow).toBeLessThanOrEqual(policy.maxRestarts);
          }
        },
      ),
    );
  });
});
