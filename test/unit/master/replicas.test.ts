import { describe, expect, it } from 'vitest';
import { wording } from '../../../src/api/wording.ts';
import type { Effect } from '../../../src/master/membership/events.ts';
import { Pace } from '../../../src/master/pace.ts';
import { resume } from '../../../src/master/resume.ts';
import { Status } from '../../../src/api/status.ts';
import { statusOf } from '../../../src/master/status-view.ts';
import { divergence, unsaid, World } from './simulation.ts';

const status = (w: World) => statusOf(w.m, new Pace(), { job: 'j', project: 'j', launcher: 'ftc' }, w.now);
const replicas = (w: World) => status(w).replicas;
const told = ({ effects }: World) =>
  effects.flatMap(e =>
    e.type === 'history' && e.entry.fact.what === 'replicas-differ'
      ? [{ ...e.entry, text: wording(e.entry.fact, 1) }]
      : [],
  );
const written = (effects: readonly Effect[], type: string): number =>
  effects.filter(e => e.type === 'journal' && e.entry.type === type).length;
/** Everybody's heartbeat. */
const beat = (w: World): void => {
  for (const id of [...w.processes.keys()]) w.beat(id);
};

describe('checks of the replicas', () => {
  it('count once, however many workers make them', () => {
    const w = World.running();
    for (let i = 0; i < 4; i += 1) w.step();
    beat(w);
    expect(replicas(w)).toMatchObject({ checks: 5, checkedStep: 5 });
  });

  it('go on when one process after the other is replaced', () => {
    const w = World.running();
    let last = 0;
    for (let round = 0; round < 3; round += 1)
      for (const id of ['a', 'b', 'c']) {
        w.die(id);
        w.step();
        beat(w);
        w.start(id);
        beat(w);
        w.ready(id);
        w.step();
        beat(w);
        expect(replicas(w).checks).toBeGreaterThan(last);
        last = replicas(w).checks;
      }
    // The first step and two a round: none is counted twice, and none is forgotten.
    expect(last).toBe(19);
  });

  it('go on after all processes were replaced at once', () => {
    const w = World.running();
    w.step();
    beat(w);
    for (const id of ['a', 'b', 'c']) w.die(id);
    for (const id of ['a', 'b', 'c']) w.start(id);
    for (const id of ['a', 'b', 'c']) w.ready(id);
    expect(replicas(w).checks).toBe(2);
    w.step();
    beat(w);
    expect(replicas(w).checks).toBe(3);
  });

  it('are known to a master that comes back while processes train that joined late', () => {
    const w = World.running();
    for (let i = 0; i < 9; i += 1) w.step();
    beat(w);
    for (const id of ['a', 'b', 'c']) {
      w.die(id);
      w.start(id);
      beat(w);
      w.ready(id);
    }
    w.step();
    beat(w);
    expect(replicas(w).checks).toBe(11);
    w.restartMaster();
    for (const id of ['a', 'b', 'c']) w.hello(id);
    w.effects.length = 0;
    beat(w);
    expect(replicas(w).checks).toBe(11);
    expect(written(w.effects, 'checks')).toBe(0);
    w.step();
    beat(w);
    expect(replicas(w).checks).toBe(12);
  });

  it('are not those of a process that trained before, told too late', () => {
    const w = World.running();
    for (let i = 0; i < 4; i += 1) w.step();
    beat(w);
    w.restartMaster();
    for (const id of ['a', 'b', 'c']) w.hello(id);
    w.beat('a');
    const late = { phaseMs: 0, computeMs: null, slices: 0, waitMs: null, ...unsaid };
    const where = { generation: null, step: 0, phase: 'starting', loss: null, samples: 0, epoch: 0 } as const;
    w.say('b', { type: 'heartbeat', ...where, at: w.now, ...late });
    beat(w);
    expect(replicas(w).checks).toBe(5);
  });

  it('are known of a job that has ended, also to a master that comes back', () => {
    const w = World.running({}, 3);
    w.step();
    w.step();
    beat(w);
    w.step();
    for (const id of ['a', 'b', 'c']) w.done(id);
    expect(w.m.state).toBe('succeeded');
    w.restartMaster();
    expect(replicas(w)).toMatchObject({ checks: 3, checkedStep: 3 });
    expect(resume(w.m.config, w.journal, 'another master', w.now).replicas.checks).toBe(0);
  });

  it('of steps that are done again tell nothing of those before', () => {
    const w = World.running();
    for (let i = 0; i < 9; i += 1) w.step();
    beat(w);
    expect(replicas(w).checkedStep).toBe(10);
    for (const id of ['a', 'b', 'c']) w.die(id);
    for (const id of ['a', 'b', 'c']) w.start(id);
    for (const id of ['a', 'b', 'c']) w.ready(id);
    expect(replicas(w).checkedStep).toBeNull();
    w.step();
    beat(w);
    expect(replicas(w).checkedStep).toBe(1);
  });

  it('are none with workers of older images', () => {
    const w = World.running();
    const old = { phaseMs: 0, computeMs: null, slices: 0, waitMs: null, ...unsaid };
    const where = { generation: 1, step: 1, phase: 'compute', loss: 1, samples: 1, epoch: 0 } as const;
    w.say('a', { type: 'heartbeat', ...where, at: w.now, ...old });
    expect(replicas(w)).toEqual({
      ...{ checks: 0, checkedStep: null, mismatches: 0, repaired: 0, returned: 0, last: null },
    });
  });
});

describe('replicas that differ', () => {
  it('are one mismatch, whoever tells of it, and count against the worker', () => {
    const w = World.running();
    w.diverge();
    expect(replicas(w)).toMatchObject({ mismatches: 1, repaired: 1, returned: 0 });
    expect(replicas(w).last).toMatchObject({ step: 42, tensor: 'model.0.weight', workers: ['b'], at: w.now });
    expect(status(w).workers.map(x => [x.id, x.diverged])).toEqual([
      ['a', 0],
      ['b', 1],
      ['c', 0],
    ]);
    w.diverge({ tensor: 'model.0.bias' });
    w.diverge({ step: 43, workers: ['b', 'c'] });
    expect(replicas(w).mismatches).toBe(3);
    expect(status(w).workers.map(x => x.diverged)).toEqual([0, 3, 1]);
    expect(written(w.effects, 'diverged')).toBe(3);
  });

  it('cost nobody a rank', () => {
    const w = World.running();
    const before = structuredClone(w.m.current);
    w.diverge();
    w.pass(2000);
    expect([w.m.current, w.m.recoveries]).toEqual([before, []]);
  });

  it.each([
    [
      {},
      'warn',
      'the replicas differ in model.0.weight at [3, 1] since a step from 31 to 42: c-b (rank 1) differs from the other 2; its state was replaced, no step is lost',
    ],
    [
      { fromStep: 41, position: [], workers: ['a', 'b', 'c'], action: 'returned', toStep: 40 },
      'warn',
      'the replicas differ in model.0.weight since step 42: there is no majority among c-a (rank 0), c-b (rank 1) and c-c (rank 2); all go back to step 40, the newest state on which all agreed',
    ],
    [
      { fromStep: 41, position: [7], action: 'failed' },
      'error',
      'the replicas differ in model.0.weight at [7] since step 42: c-b (rank 1) differs from the other 2; the job fails',
    ],
    [
      { fromStep: 41, position: [7], workers: ['b', 'c'] },
      'warn',
      'the replicas differ in model.0.weight at [7] since step 42: c-b (rank 1) and c-c (rank 2) differ from the other; their states were replaced, no step is lost',
    ],
    [
      { generation: 0, fromStep: 41, position: [7] },
      'warn',
      'the replicas differ in model.0.weight at [7] since step 42: c-b differs from the others; its state was replaced, no step is lost',
    ],
  ] as const)('are told to people: %j', (more, level, text) => {
    const w = World.running();
    const { generation } = w.m.current;
    w.diverge({ ...{ generation }, ...structuredClone(more) } as Parameters<World['diverge']>[0]);
    expect(told(w)).toMatchObject([{ level, text, step: 42 }]);
  });

  it('name a worker where it is one, and not a thousand where they are', () => {
    const w = World.running();
    w.diverge();
    w.diverge({ step: 43, workers: Array.from({ length: 1000 }, (_, i) => `w${i}`) });
    expect(told(w)).toMatchObject([
      { worker: 'b', rank: 1 },
      { worker: null, rank: null },
    ]);
    expect(told(w)[1]?.text).toContain('w0, w1, w2, w3, w4, w5, w6, w7 and 992 more');
  });

  it('are still counted, and once, by a master that comes back before all have told it', () => {
    const w = World.running();
    w.say('a', divergence({ action: 'returned', toStep: 40 }));
    w.restartMaster();
    expect(replicas(w)).toMatchObject({ mismatches: 1, returned: 1, last: { tensor: 'model.0.weight' } });
    for (const id of ['a', 'b', 'c']) w.hello(id);
    w.say('c', divergence({ action: 'returned', toStep: 40 }));
    expect(replicas(w).mismatches).toBe(1);
    expect(status(w).workers.map(x => x.diverged)).toEqual([0, 1, 0]);
    expect(resume(w.m.config, w.journal, 'another master', w.now).replicas.mismatches).toBe(1);
  });

  it('survive a flood, in whatever order the workers tell', () => {
    const w = World.running();
    const steps = Array.from({ length: 500 }, (_, i) => i + 1);
    for (const step of steps) w.say('a', divergence({ step, tensor: `t${step}` }));
    for (const step of steps) w.say('b', divergence({ step, tensor: `t${step}` }));
    for (const step of steps.toReversed()) w.say('c', divergence({ step, tensor: `t${step}` }));
    expect(replicas(w).mismatches).toBe(500);
    expect(w.m.replicas.seen).toHaveLength(64);
    w.restartMaster();
    expect(replicas(w).mismatches).toBe(500);
  });

  it('are forgotten of containers that are gone', () => {
    const w = World.running();
    w.diverge({ workers: ['b', 'made up'] });
    w.die('b');
    w.containers.delete('b');
    w.report();
    expect([...w.m.replicas.named.keys()]).toEqual([]);
  });
});

describe('steps that were left out', () => {
  it('are what the furthest worker tells', () => {
    const w = World.running();
    const where = { generation: 1, phase: 'compute', loss: 1, samples: 1, epoch: 0, at: w.now } as const;
    const rest = { phaseMs: 0, computeMs: null, slices: 0, waitMs: null, checks: 0, checkedStep: null };
    w.say('a', { type: 'heartbeat', ...where, ...rest, step: 5, skipped: 2 });
    w.say('b', { type: 'heartbeat', ...where, ...rest, step: 4, skipped: 1 });
    expect(status(w).skippedSteps).toBe(2);
  });
});

describe('training that the script ends early', () => {
  const reason = 'the loss is low enough';
  const finish = (w: World): void => {
    for (const id of ['a', 'b', 'c']) {
      w.say(id, { type: 'finishing', generation: 1, step: 2, reason });
      w.processes.get(id)!.finishing = true;
    }
  };

  it('has its last step as its total, and says why', () => {
    const w = World.running({}, 100);
    w.step();
    finish(w);
    expect(status(w)).toMatchObject({ state: 'finishing', totalSteps: 2, finished: reason });
    expect(written(w.effects, 'total')).toBe(1);
    const facts = w.effects.flatMap(e => (e.type === 'history' ? [e.entry.fact] : []));
    expect(facts).toContainEqual({ what: 'training-ended-early', step: 2, reason });
    for (const id of ['a', 'b', 'c']) w.done(id);
    expect(status(w)).toMatchObject({ state: 'succeeded', totalSteps: 2, finished: reason });
  });

  it('is remembered by a master that comes back, whatever a worker that starts was asked for', () => {
    const w = World.running({}, 100);
    w.step();
    finish(w);
    w.restartMaster();
    expect(status(w)).toMatchObject({ totalSteps: 2, finished: reason });
    for (const id of ['a', 'b', 'c']) w.hello(id);
    w.start('d');
    w.ready('d');
    expect(status(w)).toMatchObject({ totalSteps: 2, finished: reason });
    expect(resume(w.m.config, w.journal, 'another master', w.now).totalSteps).toBe(2);
  });

  it('is none where the loop came to its end', () => {
    const w = World.running({}, 2);
    w.step();
    w.step();
    expect(status(w)).toMatchObject({ state: 'finishing', totalSteps: 2, finished: null });
  });
});

it("an older master's status is read", () => {
  const now = status(World.running());
  const old = { ...now, replicas: undefined, skippedSteps: undefined, finished: undefined };
  expect(Status.parse(old)).toMatchObject({
    replicas: { checks: 0, checkedStep: null, mismatches: 0, last: null },
    skippedSteps: 0,
    finished: null,
  });
});
