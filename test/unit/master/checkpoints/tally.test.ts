import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { wording } from '../../../../src/api/wording.ts';
import { kindOf } from '../../../../src/api/event.ts';
import {
  type CheckpointReport,
  createTally,
  isFull,
  note,
} from '../../../../src/master/checkpoints/tally.ts';

const report = (more: Partial<CheckpointReport> = {}): CheckpointReport => ({
  type: 'checkpoint',
  step: 100,
  generation: 1,
  ok: true,
  bytes: 260_000,
  stallMs: 0.41,
  writeMs: 48,
  error: null,
  code: null,
  serialiseMs: 12,
  fsyncMs: 30,
  delayedMs: 0,
  ...more,
});
const failing = (step: number, code = 'ENOSPC', error = 'OSError: [Errno 28] No space left on device') =>
  report({ step, ok: false, bytes: 0, error, code });

describe('a checkpoint that is durable', () => {
  it('is routine, with its size and durations', () => {
    const t = createTally();
    const line = note(t, report(), 5000);
    expect([line.level, kindOf(line.fact)]).toEqual(['info', 'checkpoint']);
    expect(wording(line.fact, 1)).toBe(
      'checkpoint of step 100 is durable: 260 kB, stall 0.4 ms, written in 48 ms',
    );
    const { step, bytes, stallMs, writeMs, serialiseMs, fsyncMs, delayedMs } = report();
    const last = { at: 5000, step, bytes, stallMs, writeMs, serialiseMs, fsyncMs, delayedMs };
    expect(t).toMatchObject({ last, failed: null, delayed: 0, delayedMs: 0 });
  });

  it('is news where it began late, once a minute', () => {
    const t = createTally();
    const late = (now: number) => note(t, report({ delayedMs: 210 }), now);
    const first = late(1000);
    expect(first.level).toBe('warn');
    expect(wording(first.fact, 1)).toMatch(/written in 48 ms, started 210 ms late: the disk is slow$/);
    expect([late(60_999), late(61_000), late(61_001)].map(l => l.level)).toEqual(['info', 'warn', 'info']);
    expect(t).toMatchObject({ delayed: 4, delayedMs: 840 });
  });
});

describe('a checkpoint that failed', () => {
  it('is news when it begins, when the reason changes, and once a minute', () => {
    const t = createTally();
    const said = [
      note(t, failing(10), 0),
      note(t, failing(20), 1000),
      note(t, failing(30, 'EROFS'), 2000),
      note(t, failing(40), 3000),
      note(t, failing(50, 'EDQUOT', '3 MB are free, 4 MB are needed'), 4000),
      note(t, failing(60, 'EDQUOT', '2 MB are free, 4 MB are needed'), 5000),
      note(t, failing(70, 'EDQUOT', '1 MB are free, 4 MB are needed'), 64_000),
    ];
    expect(said.map(l => l.level)).toEqual(['warn', 'info', 'warn', 'warn', 'warn', 'info', 'warn']);
    expect(said[0] && wording(said[0].fact, 1)).toBe(
      'checkpoint of step 10 failed, training continues: OSError: [Errno 28] No space left on device',
    );
    expect(t.failed).toMatchObject({ step: 70, at: 64_000 });
    const again = note(t, report({ step: 80 }), 65_000);
    expect(again.level).toBe('info');
    expect(kindOf(again.fact)).toBe('note');
    expect(wording(again.fact, 1)).toMatch(/^checkpoint of step 80 is durable.* \(7 before it failed\)$/);
    expect(kindOf(note(t, report({ step: 90 }), 66_000).fact)).toBe('checkpoint');
    expect(note(t, failing(100), 67_000).level).toBe('warn');
  });

  it('asks for room only where the disk is full', () => {
    expect(isFull(failing(1))).toBe(true);
    expect(isFull(failing(1, 'EDQUOT', 'any words'))).toBe(true);
    expect(isFull(failing(1, 'EROFS', 'no space left on device'))).toBe(false);
    expect(isFull(report({ ok: false, error: null, code: null }))).toBe(false);
    expect(isFull(report({ code: 'ENOSPC' }))).toBe(false);
  });
});

it('adds up whatever comes', () => {
  const any = fc.array(
    fc.record({ ok: fc.boolean(), delayedMs: fc.nat(500), step: fc.nat(), gap: fc.nat(90_000) }),
  );
  fc.assert(
    fc.property(any, reports => {
      const t = createTally();
      let [now, toldAt] = [0, -Infinity];
      for (const { gap, ...more } of reports) {
        const line = note(t, report({ ...more, error: more.ok ? null : 'why' }), (now += gap));
        if (line.level === 'info') continue;
        // Calm: two lines of the same kind of trouble are a minute apart, or something went well in between.
        if (!more.ok) expect(now - toldAt >= 60_000 || t.failures === 1).toBe(true);
        if (!more.ok) toldAt = now;
      }
      const done = reports.filter(r => r.ok);
      expect(t.last?.step).toBe(done.at(-1)?.step);
      expect(t.failed?.step).toBe(reports.findLast(r => !r.ok)?.step);
      const late = done.filter(r => r.delayedMs >= 10);
      expect(t.delayed).toBe(late.length);
      expect(t.delayedMs).toBe(late.reduce((sum, r) => sum + r.delayedMs, 0));
    }),
  );
});
