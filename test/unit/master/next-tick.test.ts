import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextTick } from '../../../src/master/membership/next-tick.ts';
import { World } from './simulation.ts';

const close = 25;
const calm = 100;

/** Ticks as the master makes them until the world is as asked for; heartbeats each fifth of a timeout. Returns the time. */
function until(w: World, test: () => boolean, beats: string[]): number {
  const { heartbeatMs } = w.m.config;
  let beat = w.now;
  for (let ticks = 0; ticks < 10_000; ticks += 1) {
    if (test()) return w.now;
    w.now += nextTick(w.m, w.now);
    for (; beat <= w.now; beat += heartbeatMs / 5) beats.forEach(id => w.beat(id));
    w.take({ type: 'tick' });
  }
  throw new Error('it never came to that');
}

describe('the master', () => {
  it('wakes up rarely while all train, and when the job has ended', () => {
    const w = World.running();
    expect(nextTick(w.m, w.now)).toBe(calm);
    w.take({ type: 'abandon', reason: 'for the test' });
    expect(w.m.state).toBe('failed');
    expect(nextTick(w.m, w.now)).toBe(calm);
  });

  it.each<[string, (w: World) => void]>([
    ['while a generation has not committed', w => w.die('c')],
    [
      'while the same members may have to meet again',
      w => w.say('a', { type: 'broken', generation: 1, reason: 'for the test' }),
    ],
    ['while members may come back to it', w => w.restartMaster()],
    ['when a worker has not been heard of for half its time', w => (w.now += 2600)],
    ['while the job stops', w => w.take({ type: 'stop', reason: 'for the test' })],
  ])('looks closely %s', (_, happen) => {
    const w = World.running();
    happen(w);
    expect(nextTick(w.m, w.now)).toBe(close);
  });

  it('looks closely before there is a first generation', () => {
    expect(nextTick(new World().m, 0)).toBe(close);
  });

  it('notices silence as early as if it always looked closely', () => {
    fc.assert(
      fc.property(fc.integer({ min: 500, max: 60_000 }), fc.nat(3000), (heartbeatMs, ms) => {
        const w = World.running({ heartbeatMs });
        const start = w.now;
        until(w, () => w.now - start >= ms, ['a', 'b', 'c']);
        const seen = w.m.workers.get('c')!.lastSeen;
        const lost = until(w, () => w.ranks.length < 3, ['a', 'b']);
        expect(lost - seen).toBeGreaterThan(heartbeatMs);
        expect(lost - seen).toBeLessThanOrEqual(heartbeatMs + close);
      }),
    );
  });

  it('never takes its own sleep for a time in which it stood still', () => {
    fc.assert(
      fc.property(fc.integer({ min: 500, max: 60_000 }), heartbeatMs => {
        const w = World.running({ heartbeatMs });
        expect(nextTick(w.m, w.now)).toBeLessThan(heartbeatMs / 2);
      }),
    );
  });
});
