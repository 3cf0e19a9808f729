import { describe, expect, it } from 'vitest';
import { World } from './simulation.ts';

const failure = (fingerprint: string) => ({
  type: 'failed' as const,
  fatal: false,
  fingerprint,
  message: `ValueError: ${fingerprint}`,
  traceback: `Traceback: ${fingerprint}`,
  step: 0,
});

describe('the end', () => {
  it('comes when every member has returned', () => {
    const w = World.running({}, 2);
    w.step();
    w.step();
    expect(w.m.state).toBe('finishing');
    w.done('b');
    w.done('a');
    expect(w.m.state).toBe('finishing');
    w.done('c');
    expect(w.m).toMatchObject({
      state: 'succeeded',
      finalDigest: 'a'.repeat(64),
      metrics: { accuracy: 0.9 },
    });
    expect(w.processes.size).toBe(0);
  });

  it('comes also when one dies past the loop', () => {
    const w = World.running({}, 2);
    w.step();
    w.step();
    w.die('a');
    w.done('b');
    w.done('c');
    expect(w.m.state).toBe('succeeded');
  });

  it('does not wait for a joiner whose boundary never came', () => {
    const w = World.running({}, 2);
    w.step();
    w.start('d');
    w.report();
    w.ready('d');
    expect(w.ranks).toEqual(['a', 'b', 'c', 'd']);
    for (const id of ['a', 'b', 'c']) w.say(id, { type: 'finishing', generation: 1, step: 2, reason: null });
    for (const id of ['a', 'b', 'c']) {
      w.processes.get(id)!.finishing = true;
      w.done(id);
    }
    expect(w.m.state).toBe('succeeded');
    expect(w.processes.has('d')).toBe(false);
  });

  it('is run again when all die past the loop', () => {
    const w = World.running({}, 2);
    w.step();
    w.step();
    for (const id of ['a', 'b', 'c']) w.die(id);
    expect(w.m.state).toBe('waiting');
    w.start('a');
    w.ready('a');
    w.pass(3000);
    expect(w.m.state).toBe('running');
  });

  it('is a failure when the same worker fails the same way twice and nothing was committed between', () => {
    const w = World.running();
    w.say('a', failure('x'));
    w.die('a');
    expect(w.m.state).toBe('running');
    w.start('a');
    w.say('a', failure('x'));
    expect(w.m).toMatchObject({ state: 'failed', reason: 'ValueError: x', traceback: 'Traceback: x' });
  });

  it('is none when the others went on meanwhile', () => {
    const w = World.running();
    w.say('a', failure('x'));
    w.die('a');
    w.step();
    w.start('a');
    w.say('a', failure('x'));
    expect(w.m.state).toBe('running');
  });

  it('is a failure when too few are left that the supervisor would start', () => {
    const w = World.running();
    w.report({ a: 'exit code 1', b: 'exit code 1', c: 'exit code 1' });
    expect(w.m.state).toBe('failed');
    expect(w.m.reason).toContain('c-a: exit code 1');
  });
});

describe('scaling', () => {
  it('up is seen by the number of containers, and takes effect at a boundary', () => {
    const w = World.running();
    w.start('d');
    w.report();
    w.ready('d');
    expect(w.m.wanted).toBe(4);
    expect(w.m.current.when).toBe('boundary');
    expect(w.ranks).toEqual(['a', 'b', 'c', 'd']);
  });

  it('down is a worker that leaves and whose container goes', () => {
    const w = World.running();
    w.say('c', { type: 'leaving', step: 1, checkpointed: false });
    w.die('c');
    expect(w.ranks).toEqual(['a', 'b']);
    expect(w.m.wanted).toBe(3);
    w.containers.delete('c');
    w.report();
    expect(w.m.wanted).toBe(2);
  });

  it('leaves nothing of a worker whose container is gone, whichever of its ends is seen first', () => {
    for (const linkFirst of [true, false]) {
      const w = World.running();
      w.containers.delete('c');
      if (linkFirst) w.die('c');
      w.report();
      if (!linkFirst) w.die('c');
      expect([...w.m.workers.keys()].sort()).toEqual(['a', 'b']);
      expect(w.ranks).toEqual(['a', 'b']);
      expect(w.m.wanted).toBe(3);
      expect(w.m.vanished.size).toBe(0);
    }
  });

  it('is not what happens when a container merely vanishes', () => {
    const w = World.running();
    w.die('c');
    w.containers.delete('c');
    w.report();
    expect(w.m.wanted).toBe(3);
  });

  it('keeps a standby until it is needed', () => {
    const w = new World({ workers: 2, standbys: 1 });
    for (const id of ['a', 'b', 'c']) w.start(id);
    for (const id of ['a', 'b', 'c']) w.ready(id);
    w.report();
    w.step();
    expect(w.ranks).toEqual(['a', 'b']);
    w.die('a');
    expect(w.ranks).toEqual(['b', 'c']);
    expect(w.m.current.when).toBe('now');
  });
});

describe('stopping', () => {
  it('asks everybody, and is over when they have left', () => {
    const w = World.running();
    w.take({ type: 'stop', reason: 'asked' });
    expect(w.m.state).toBe('stopping');
    w.step();
    expect(w.m.state).toBe('stopped');
  });

  it('sends home who comes late', () => {
    const w = World.running();
    w.take({ type: 'stop', reason: 'asked' });
    w.start('d');
    expect(w.processes.has('d')).toBe(false);
  });
});

describe('a master that comes back', () => {
  it('changes nothing when all members reattach', () => {
    const w = World.running();
    const before = structuredClone(w.m.current);
    w.restartMaster();
    w.now += 100;
    for (const id of ['c', 'a', 'b']) w.hello(id);
    w.pass(20_000);
    expect(w.m.current).toEqual(before);
    expect(w.m.recoveries).toEqual([]);
  });

  it('counts a member that does not reattach as lost after one heartbeat timeout', () => {
    const w = World.running();
    w.processes.delete('b');
    w.restartMaster();
    for (const id of ['a', 'c']) w.hello(id);
    w.pass(4900);
    expect(w.ranks).toEqual(['a', 'b', 'c']);
    w.pass(600);
    expect(w.ranks).toEqual(['a', 'c']);
    expect(w.m.current.generation).toBe(2);
  });

  it('sends the generation again to a member that did not get it', () => {
    const w = World.running();
    w.start('d');
    w.report();
    const p = w.processes.get('a')!;
    const { told, generation } = p;
    w.ready('d');
    Object.assign(p, { told, generation }); // the line was lost with the master
    w.restartMaster();
    for (const id of ['a', 'b', 'c', 'd']) w.hello(id);
    expect(p.generation).toBe(2);
  });

  it('stays ended in the same container, and runs again in a new one', async () => {
    const { resume } = await import('../../../src/master/resume.ts');
    const w = World.running({}, 2);
    w.step();
    w.step();
    for (const id of ['a', 'b', 'c']) w.done(id);
    expect(resume(w.m.config, w.journal, 'master-1', w.now).state).toBe('succeeded');
    expect(resume(w.m.config, w.journal, 'master-2', w.now).state).toBe('waiting');
  });
});
