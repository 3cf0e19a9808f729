import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { wording } from '../../../src/api/wording.ts';
import { kindOf } from '../../../src/api/event.ts';
import { statusOf } from '../../../src/master/status-view.ts';
import { Pace } from '../../../src/master/pace.ts';
import type { Phase } from '../../../src/protocol/inbound.ts';
import { unsaid, World } from './simulation.ts';

interface Beat {
  readonly phase?: Phase;
  readonly step?: number;
  readonly computeMs?: number;
  readonly slices?: number;
}

/** For `ms`, every second, each worker tells what it does. */
function pass(w: World, ms: number, beats: Record<string, Beat | ((at: number) => Beat)>): void {
  const end = w.now + ms;
  while (w.now < end) {
    w.now += 500;
    for (const [id, what] of Object.entries(beats)) {
      const p = w.processes.get(id);
      if (!p) continue;
      const {
        phase = 'compute',
        step = p.step,
        computeMs,
        slices = 1,
      } = typeof what === 'function' ? what(w.now) : what;
      const { generation } = p;
      w.say(id, {
        ...{ type: 'heartbeat', generation, step, phase, loss: 1, samples: 1, epoch: 0, at: w.now },
        ...{ phaseMs: 0, computeMs: computeMs ?? null, slices, waitMs: null, ...unsaid },
      });
    }
    w.take({ type: 'tick' });
  }
}

const causes = (w: World): string[] => w.m.recoveries.map(r => r.cause);
const rows = (w: World) =>
  statusOf(w.m, new Pace(), { job: 'j', project: 'j', launcher: 'ftc' }, w.now).workers;
const reduce: Beat = { phase: 'reduce' };
const compute: Beat = { phase: 'compute' };

describe('a rank that all others wait for', () => {
  it('is fenced after the hang timeout, and named', () => {
    const w = World.running({ hangMs: 10_000 });
    pass(w, 9500, { a: reduce, b: compute, c: reduce });
    expect(w.ranks).toEqual(['a', 'b', 'c']);
    expect(rows(w).find(r => r.id === 'b')?.stuckMs).toBeGreaterThan(8000);
    expect(rows(w).find(r => r.id === 'a')?.stuckMs).toBeNull();
    pass(w, 2000, { a: reduce, b: compute, c: reduce });
    expect(w.ranks).toEqual(['a', 'c']);
    expect(causes(w)).toEqual(['stuck in compute at step 1']);
    expect(w.effects).toContainEqual(expect.objectContaining({ type: 'fence', worker: 'b' }));
  });

  it('is not let in again when it reconnects, and fenced once more', () => {
    const w = World.running({ hangMs: 10_000 });
    pass(w, 11_000, { a: reduce, b: compute, c: reduce });
    w.effects.length = 0;
    w.now += 1500;
    w.hello('b');
    expect(w.effects.map(e => e.type)).toEqual(['drop', 'fence']);
    expect(w.ranks).toEqual(['a', 'c']);
  });

  it('is nobody where all compute, however long', () => {
    const w = World.running({ hangMs: 10_000 });
    pass(w, 60_000, { a: compute, b: compute, c: compute });
    expect(w.m.current.generation).toBe(1);
  });

  it('is left alone when it moves, however late', () => {
    const w = World.running({ hangMs: 10_000 });
    for (let step = 1; step < 5; step += 1) {
      pass(w, 9000, {
        a: { phase: 'reduce', step },
        b: { phase: 'compute', step },
        c: { phase: 'reduce', step },
      });
      pass(w, 500, { a: { step: step + 1 }, b: { step: step + 1 }, c: { step: step + 1 } });
    }
    expect(w.m.current.generation).toBe(1);
  });
});

describe('all ranks that wait for each other', () => {
  it('meet again, once; then the highest rank is replaced, never the last one', () => {
    const w = World.running({ hangMs: 10_000 });
    pass(w, 11_000, { a: reduce, b: reduce, c: reduce });
    expect([w.m.current.generation, w.ranks.length, causes(w)]).toEqual([2, 3, []]);
    pass(w, 9000, { a: reduce, b: reduce, c: reduce });
    expect(w.m.current.generation).toBe(2);
    pass(w, 3000, { a: reduce, b: reduce, c: reduce });
    expect(w.ranks).toEqual(['a', 'b']);
    pass(w, 60_000, { a: reduce, b: reduce });
    expect(w.ranks).toHaveLength(1);
  });

  it('lose who does not do what the others do', () => {
    const w = World.running({ hangMs: 10_000 });
    const beats = { a: { phase: 'idle' }, b: { phase: 'regroup' }, c: { phase: 'regroup' } } as const;
    pass(w, 24_000, beats);
    expect(w.ranks).toEqual(['b', 'c']);
    expect(causes(w)).toEqual(['no progress in idle at step 1']);
  });
});

describe('a rank that is slower than the others', () => {
  /** Steps of half a second; `c` takes `times` as long a slice, and carries two. */
  const slow = (times: number) => {
    const step = (at: number): number => Math.round(at / 500);
    const beat = (computeMs: number, slices: number) => (at: number) => ({
      step: step(at),
      computeMs,
      slices,
    });
    return { a: beat(50, 1), b: beat(52, 1), c: beat(100 * times, 2) };
  };
  const said = (w: World): string[] =>
    w.effects.flatMap(e =>
      e.type === 'history' && kindOf(e.entry.fact) === 'straggler' ? [wording(e.entry.fact, 1)] : [],
    );

  it('is reported once, by how much, and when it keeps up again', () => {
    const w = World.running();
    pass(w, 4000, slow(3));
    expect(said(w)).toEqual([]);
    pass(w, 6000, slow(3));
    expect(said(w)).toEqual(['rank 2 (c-c) is 2.9 times slower: 150 ms a slice, the others 51 ms']);
    expect(rows(w).map(r => r.slow)).toEqual([null, null, 2.9]);
    pass(w, 30_000, slow(1));
    expect(said(w)[1]).toContain('keeps up again');
    expect(w.ranks).toEqual(['a', 'b', 'c']);
  });

  it('is none for carrying more slices, for one slow step, or where the difference is small', () => {
    const w = World.running();
    pass(w, 20_000, slow(1.8));
    pass(w, 500, slow(50));
    pass(w, 20_000, slow(1.8));
    expect(said(w)).toEqual([]);
  });

  it('is replaced where the job asks for it, at most once a minute', () => {
    const w = World.running({ onStraggler: 'replace' });
    pass(w, 10_000, slow(3));
    expect(w.ranks).toEqual(['a', 'b']);
    expect(causes(w)).toEqual(['2.9 times slower than the others']);
    w.die('c');
    w.step();
    w.start('c');
    w.ready('c');
    w.step();
    expect(w.ranks).toHaveLength(3);
    pass(w, 30_000, slow(3));
    expect(w.ranks).toHaveLength(3);
    pass(w, 30_000, slow(3));
    expect(w.ranks).toHaveLength(2);
  });
});

it('a pause below the timeout, or missed heartbeats, change nothing', () => {
  const silence = fc.record({
    who: fc.constantFrom('a', 'b', 'c'),
    ms: fc.integer({ min: 1, max: 4400 }),
    between: fc.integer({ min: 500, max: 3000 }),
  });
  fc.assert(
    fc.property(fc.array(silence, { maxLength: 10 }), silences => {
      const w = World.running();
      const before = structuredClone(w.m.current);
      w.effects.length = 0;
      for (const { who, ms, between } of silences) {
        const p = w.processes.get(who)!;
        p.beats = false;
        w.pass(ms);
        p.beats = true;
        w.pass(between);
      }
      expect(w.m.current).toEqual(before);
      expect(w.effects.filter(e => e.type !== 'healthy')).toEqual([]);
    }),
  );
});
