import { describe, expect, it } from 'vitest';
import { nextAt, observe, recoveryOf } from '../../../src/verify/applied.ts';
import { fault, hit, recovery, status } from './made.ts';

const running = status({}, [
  ['a', 0, 10],
  ['b', 1, 10],
]);

describe('what came of a fault', () => {
  it('is settled when all train again, measured from the fault', () => {
    const kill = fault({});
    observe(kill, running, [], 1050);
    expect(kill.settled).toBe(false);
    observe(kill, running, [recovery({ at: 1040, resumedMs: 60, wholeMs: null })], 1200);
    expect(kill).toMatchObject({ resumedMs: 100, wholeMs: null, settled: false });
    observe(kill, running, [recovery({ at: 1040, resumedMs: 60, wholeMs: 500 })], 1600);
    expect(kill).toMatchObject({ resumedMs: 100, wholeMs: 540, settled: true });
  });

  it('belongs to the outage that it fell into, else to the one that it began', () => {
    const own = recovery({ at: 1040, lost: ['a'] });
    const before = recovery({ at: 900, lost: ['b', 'a'], resumedMs: 400 });
    const over = recovery({ at: 100, lost: ['a'], resumedMs: 50 });
    expect(recoveryOf(fault({}), [over, own])).toBe(own);
    expect(recoveryOf(fault({}), [over, before])).toBe(before);
    expect(recoveryOf(fault({}), [over])).toBeNull();
    expect(recoveryOf(fault({}, [hit('c')]), [over, own])).toBeNull();
  });

  it('does not take what the next fault did to the same container for its own', () => {
    const pause = fault({ fault: 'pause', forMs: 100 });
    const kill = { ...fault({}), at: 1500 };
    const later = recovery({ at: 1540, lost: ['a'] });
    const until = nextAt(pause, [pause, kill]);
    expect(until).toBe(1500);
    expect(recoveryOf(pause, [later], until)).toBeNull();
    expect(recoveryOf(kill, [later], nextAt(kill, [pause, kill]))).toBe(later);
  });

  it('is nothing for a standby, and for a pause that nobody noticed', () => {
    const standby = fault({}, [hit('s', null)]);
    observe(standby, running, [], 1100);
    expect(standby).toMatchObject({ settled: true, resumedMs: null });
    const pause = fault({ fault: 'pause', forMs: 100 });
    observe(pause, running, [], 1050);
    expect(pause.settled).toBe(false);
    pause.reverted = true;
    observe(pause, running, [], 1150);
    expect(pause).toMatchObject({ settled: true, resumedMs: null });
  });

  it('counts what was committed while the master was away', () => {
    const master = fault({ target: 'master' }, [hit('m', null, 'master')]);
    observe(master, running, [], 1010);
    expect(master.settled).toBe(false);
    observe(master, null, [], 1100);
    observe(master, status({ step: 8 }), [], 1800);
    expect(master).toMatchObject({ wholeMs: 800, settled: false });
    observe(master, status({ step: 15 }), [], 2000);
    expect(master).toMatchObject({ wholeMs: 800, stepsMeanwhile: 5, settled: true });
  });

  it('is a new size for a change of scale', () => {
    const scale = fault({ kind: 'scale', workers: 3 } as never, []);
    observe(scale, running, [], 1500);
    expect(scale.settled).toBe(false);
    observe(scale, status({ target: 3, worldSize: 3 }), [], 3000);
    expect(scale).toMatchObject({ settled: true, wholeMs: 2000 });
  });
});
