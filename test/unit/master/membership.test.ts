import { describe, expect, it } from 'vitest';
import { unsaid, World } from './simulation.ts';

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
        causes: ['link-closed'],
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
    expect(w.m.recoveries[0]!.causes).toEqual(['heartbeat-overdue']);
  });

  it('is none while nobody at all is heard of: then it is the master that is cut off', () => {
    const w = World.running();
    const beats = (...who: string[]): void => {
      for (const [id, p] of w.processes) p.beats = who.includes(id);
    };
    beats();
    w.pass(7000); // the fault: longer than the timeout of 5 s
    beats('b');
    w.pass(1000);
    expect(w.ranks).toEqual(['a', 'b', 'c']);
    // Who is not heard of for another timeout is lost indeed; the one whose word was late is not.
    beats('b', 'c');
    w.pass(5500);
    expect(w.ranks).toEqual(['b', 'c']);
    expect(w.m.recoveries).toMatchObject([{ lost: ['a'], causes: ['heartbeat-overdue'] }]);
  });

  it('is believed when nobody is heard of for long, or the only one is not', () => {
    const all = World.running();
    for (const p of all.processes.values()) p.beats = false;
    all.pass(14_500);
    expect(all.ranks).toHaveLength(3);
    all.pass(1000);
    expect(all.ranks).toEqual([]);
    const one = World.running();
    one.die('a');
    one.die('b');
    one.processes.get('c')!.beats = false;
    one.pass(5500);
    expect(one.ranks).toEqual([]);
  });

  it('of everybody waits for them to come back', () => {
    const w = World.running();
    for (const id of ['a', 'b', 'c']) w.die(id);
    expect(w.m.state).toBe('waiting');
    expect(w.ranks).toEqual([]);
    expect(w.m.recoveries).toHaveLength(1);
    const facts = w.effects.flatMap(e => (e.type === 'history' ? [e.entry.fact] : []));
    expect(facts).toContainEqual({ what: 'generation-formed', size: 0, because: { why: 'lost' } });
    for (const id of ['a', 'b', 'c']) w.start(id);
    for (const id of ['a', 'b', 'c']) w.ready(id);
    expect(w.m.state).toBe('running');
    w.step();
    expect(w.m.recoveries[0]).toMatchObject({ resumedStep: 1, stepsLost: 1 });
  });

  it('is remembered by a master that dies before training goes on', () => {
    const w = World.running();
    w.step();
    w.die('b');
    w.now += 10;
    w.restartMaster();
    expect(w.m.recoveries).toMatchObject([{ lost: ['b'], atStep: 2, resumedMs: null }]);
    for (const id of ['a', 'c']) w.hello(id);
    w.now += 30;
    w.step();
    expect(w.m.recoveries).toMatchObject([{ resumedStep: 3, stepsLost: 0, resumedMs: 40 }]);

    for (const id of ['a', 'c']) w.die(id);
    w.restartMaster();
    w.pass(6000);
    expect(w.m.recoveries).toMatchObject([{ lost: ['b'] }, { lost: ['a', 'c'], atStep: 3, resumedMs: null }]);
    // Where the job stood is no secret to a master that has heard of nobody yet.
    expect([w.ranks, w.m.bestStep]).toEqual([[], 3]);
    for (const id of ['a', 'b', 'c']) w.start(id);
    for (const id of ['a', 'b', 'c']) w.ready(id);
    w.step();
    expect(w.m.recoveries[1]).toMatchObject({ resumedStep: 1, stepsLost: 3 });
  });

  it('is told of again to a master that comes back, which does not take it for where the worker is now', () => {
    const w = World.running();
    w.die('b');
    const { generation } = w.m.current;
    const pace = { phaseMs: 0, computeMs: null, slices: 0, waitMs: null, ...unsaid };
    const beat = { step: 7, phase: 'compute', loss: 1, samples: 7, epoch: 0, at: w.now, ...pace } as const;
    w.say('a', { type: 'heartbeat', generation, ...beat });
    w.say('a', { type: 'committed', generation, step: 2, fromStep: 1, at: w.now + 40 });
    expect(w.m.workers.get('a')?.step).toBe(7);
    expect(w.m.recoveries).toMatchObject([{ resumedStep: 2, stepsLost: 0, resumedMs: 40 }]);
  });

  it('of the only one that told of a step loses no step that all held', () => {
    const w = World.running();
    const { generation } = w.m.current;
    const pace = { phaseMs: 0, computeMs: null, slices: 0, waitMs: null, ...unsaid };
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
