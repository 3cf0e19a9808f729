import { describe, expect, it } from 'vitest';
import { unsaid, World } from './simulation.ts';

/** What the launchers of all members say, or of those that are named. */
function tell(w: World, state: 'started' | 'ended', ids: readonly string[] = w.ranks): void {
  const { generation } = w.m.current;
  for (const id of ids) w.say(id, { type: 'script', generation, state, at: w.now });
}

/** Three launchers whose scripts run. */
function running(minWorkers = 3): World {
  const w = new World({ minWorkers });
  for (const id of ['a', 'b', 'c']) w.start(id);
  for (const id of ['a', 'b', 'c']) w.ready(id);
  tell(w, 'started');
  return w;
}

describe('scripts that know nothing of ftc', () => {
  it('wait for all when one is lost, and start again together', () => {
    const w = running();
    w.die('b');
    expect([w.m.state, w.ranks]).toEqual(['waiting', []]);
    w.now += 1500;
    w.start('b');
    w.ready('b');
    expect([w.m.state, w.ranks]).toEqual(['running', ['a', 'c', 'b']]);
    w.now += 500;
    tell(w, 'started', ['a', 'b']);
    expect(w.m.recoveries).toMatchObject([{ resumedMs: null }]);
    tell(w, 'started', ['c']);
    expect(w.m.recoveries).toMatchObject([
      { lost: ['b'], lostRanks: [1], resumedMs: 2000, wholeMs: 2000, stepsLost: null, resumedStep: null },
    ]);
  });

  it('go on with fewer where that is allowed, and start again when one joins', () => {
    const w = running(2);
    w.die('b');
    expect([w.m.state, w.ranks]).toEqual(['running', ['a', 'c']]);
    w.start('b');
    w.ready('b');
    expect(w.ranks).toEqual(['a', 'c']);
    tell(w, 'started');
    expect(w.ranks).toEqual(['a', 'c', 'b']);
    tell(w, 'started');
    expect(w.m.recoveries).toMatchObject([{ resumedMs: 0, wholeMs: 0 }]);
    w.die('a');
    expect(w.m.recoveries).toHaveLength(2);
  });

  it('have succeeded when all have ended, and not before', () => {
    const w = running();
    expect(w.m.workers.get('a')?.phase).toBe('running');
    tell(w, 'ended', ['a', 'c']);
    expect([w.m.state, w.m.workers.get('a')?.phase]).toEqual(['running', 'finishing']);
    tell(w, 'ended', ['b']);
    expect([w.m.state, w.m.finalDigest]).toEqual(['succeeded', null]);
  });

  it('all start again when one is lost while others have ended', () => {
    const w = running();
    tell(w, 'ended', ['a', 'c']);
    w.die('b');
    expect(w.m.state).toBe('waiting');
    w.start('b');
    w.ready('b');
    tell(w, 'ended', ['b']);
    expect(w.m.state).toBe('running');
    tell(w, 'ended', ['a', 'c']);
    expect(w.m.state).toBe('succeeded');
  });

  it('are lost with their worker also after they ended', () => {
    const w = running();
    tell(w, 'ended', ['a']);
    w.die('a');
    expect(w.m.state).toBe('waiting');
  });

  it('are not started again for a joiner while some have ended', () => {
    const w = running(2);
    w.die('c');
    tell(w, 'started');
    tell(w, 'ended', ['a']);
    w.start('c');
    w.ready('c');
    expect(w.ranks).toEqual(['a', 'b']);
    tell(w, 'ended', ['b']);
    expect(w.m.state).toBe('succeeded');
  });

  it('that say something of a generation that is gone are too late', () => {
    const w = running(2);
    const { generation } = w.m.current;
    tell(w, 'ended', ['a', 'b']);
    w.die('c');
    for (const id of ['a', 'b']) w.say(id, { type: 'script', generation, state: 'ended', at: w.now });
    expect(w.m.state).toBe('running');
  });

  it('are not started again by a master that comes back', () => {
    const w = running();
    tell(w, 'ended', ['a']);
    const { generation } = w.m.current;
    w.restartMaster();
    for (const id of ['a', 'b', 'c']) w.hello(id);
    // A launcher repeats what it said last.
    w.say('a', { type: 'script', generation, state: 'ended', at: w.now });
    tell(w, 'ended', ['b', 'c']);
    expect([w.m.state, w.m.current.generation]).toEqual(['succeeded', generation]);
  });

  const fail = (w: World, id: string, fingerprint: string): void => {
    const error = { fatal: false, fingerprint, message: 'no good', traceback: '', step: 0 };
    w.say(id, { type: 'failed', ...error });
  };
  const again = (w: World, id: string): void => {
    w.die(id);
    w.now += 100;
    w.start(id);
    w.ready(id);
    tell(w, 'started');
  };

  it('fail the job with the same error twice, on whichever worker that rank is', () => {
    const w = running();
    fail(w, 'b', 'here');
    again(w, 'b');
    expect([w.m.state, w.ranks]).toEqual(['running', ['a', 'c', 'b']]);
    fail(w, 'c', 'here');
    expect([w.m.state, w.m.reason]).toEqual(['failed', 'no good']);
  });

  it('try again when all fail at once, and when it is another error', () => {
    const w = running();
    fail(w, 'a', 'here');
    fail(w, 'b', 'here');
    expect(w.m.state).toBe('waiting');
    again(w, 'a');
    again(w, 'b');
    expect(w.m.state).toBe('running');
    fail(w, 'c', 'there');
    expect(w.m.state).toBe('waiting');
  });

  it('may do what they like for as long as they like', () => {
    const w = running();
    const beats = {
      loss: null,
      samples: 0,
      epoch: 0,
      phaseMs: 0,
      computeMs: null,
      slices: 0,
      waitMs: null,
      ...unsaid,
    };
    tell(w, 'ended', ['a']);
    const { generation } = w.m.current;
    for (let s = 0; s < 3600; s += 1) {
      w.now += 1000;
      for (const id of w.ranks) {
        const phase = id === 'a' ? 'finishing' : 'running';
        w.say(id, { type: 'heartbeat', generation, step: 0, phase, at: w.now, ...beats });
      }
      w.take({ type: 'tick' });
    }
    expect([w.m.state, w.m.current.generation, w.ranks]).toEqual(['running', generation, ['a', 'b', 'c']]);
  });
});
