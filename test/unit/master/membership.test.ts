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

describe('the first generation', () => {
  it('forms as soon as all wanted workers are ready, in order of arrival', () => {
    const w = new World();
    for (const id of ['a', 'b', 'c']) w.start(id);
    w.ready('b');
    w.now += 1;
    w.ready('a');
    expect(w.m.state).toBe('waiting');
    w.now += 1;
    w.ready('c');
    expect(w.m.state).toBe('running');
    expect(w.ranks).toEqual(['b', 'a', 'c']);
    expect(w.m.current.generation).toBe(1);
  });

  it('does not wait for ever for a worker that never comes', () => {
    const w = new World();
    w.start('a');
    w.ready('a');
    w.pass(1500);
    expect(w.ranks).toEqual([]);
    w.pass(1000);
    expect(w.ranks).toEqual(['a']);
  });

  it('waits below the least number of workers', () => {
    const w = new World({ minWorkers: 2 });
    w.start('a');
    w.ready('a');
    w.pass(60_000);
    expect(w.m.state).toBe('waiting');
    w.start('b');
    w.ready('b');
    w.pass(2500);
    expect(w.ranks).toEqual(['a', 'b']);
  });
});

describe('a loss', () => {
  it('forms the next generation at once with the survivors in their order, and fences the lost', () => {
    const w = World.running();
    w.effects.length = 0;
    w.die('a');
    expect(w.ranks).toEqual(['b', 'c']);
    expect(w.m.current.when).toBe('now');
    expect(w.effects).toContainEqual(expect.objectContaining({ type: 'fence', worker: 'a' }));
  });

  it('is measured from the first sign to the first commit, and to full size', () => {
    const w = World.running();
    w.die('b');
    w.now += 40;
    w.step();
    expect(w.m.recoveries).toMatchObject([
      {
        cause: 'link closed',
        lost: ['b'],
        lostRanks: [1],
        atStep: 1,
        resumedStep: 2,
        stepsLost: 0,
        resumedMs: 40,
        wholeMs: null,
      },
    ]);
    w.now += 960;
    w.start('b');
    w.ready('b');
    expect(w.ranks).toEqual(['a', 'c', 'b']);
    expect(w.m.current.when).toBe('boundary');
    w.step();
    expect(w.m.recoveries).toMatchObject([{ wholeMs: 1000 }]);
  });

  it('of a hung worker is noticed by its heartbeat', () => {
    const w = World.running();
    w.processes.get('c')!.beats = false;
    w.pass(4900);
    expect(w.ranks).toEqual(['a', 'b', 'c']);
    w.pass(600);
    expect(w.ranks).toEqual(['a', 'b']);
    expect(w.m.recoveries[0]!.cause).toBe('heartbeat overdue');
  });

  it('of everybody waits for them to come back', () => {
    const w = World.running();
    for (const id of ['a', 'b', 'c']) w.die(id);
    expect(w.m.state).toBe('waiting');
    expect(w.ranks).toEqual([]);
    expect(w.m.recoveries).toHaveLength(1);
    for (const id of ['a', 'b', 'c']) w.start(id);
    for (const id of ['a', 'b', 'c']) w.ready(id);
    expect(w.m.state).toBe('running');
    w.step();
    expect(w.m.recoveries[0]).toMatchObject({ resumedStep: 1, stepsLost: 1 });
  });

  it('of the only one that told of a step loses no step that all held', () => {
    const w = World.running();
    const { generation } = w.m.current;
    const pace = { phaseMs: 0, computeMs: null, slices: 0, waitMs: null };
    const beat = {
      generation,
      step: 2,
      phase: 'compute',
      loss: 1,
      samples: 2,
      epoch: 0,
      at: w.now,
      ...pace,
    } as const;
    w.say('a', { type: 'heartbeat', ...beat });
    w.die('a');
    w.step();
    expect(w.m.recoveries[0]).toMatchObject({ atStep: 1, resumedStep: 2, stepsLost: 0 });
  });

  it('of somebody who was ready for a while is told to the supervisor as no fault of its own', () => {
    const w = World.running();
    const told = (): string[] => w.effects.flatMap(e => (e.type === 'healthy' ? e.workers : []));
    w.pass(4900);
    expect(told()).toEqual([]);
    w.pass(200);
    expect(told()).toEqual(['a', 'b', 'c']);
    w.die('b');
    w.start('b');
    w.ready('b');
    w.pass(10_000);
    expect(told()).toEqual(['a', 'b', 'c', 'b']);
  });

  it('that the master slept through is nobody’s fault', () => {
    const w = World.running();
    w.take({ type: 'tick' });
    w.now += 60_000;
    w.take({ type: 'tick' });
    expect(w.ranks).toEqual(['a', 'b', 'c']);
  });

  it('that only a collective shows lets the same members meet again', () => {
    const w = World.running();
    w.say('a', { type: 'broken', generation: 1, reason: 'reset' });
    w.pass(500);
    expect(w.m.current.generation).toBe(1);
    w.pass(1000);
    expect(w.m.current).toMatchObject({ generation: 2, when: 'now' });
    expect(w.ranks).toEqual(['a', 'b', 'c']);
  });
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
    for (const id of ['a', 'b', 'c']) w.say(id, { type: 'finishing', generation: 1, step: 2 });
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
