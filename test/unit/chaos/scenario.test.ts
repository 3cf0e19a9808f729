import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { faultNamed } from '../../../chaos/faults/index.ts';
import { begin, fire } from '../../../chaos/schedule.ts';
import { draw, drawable } from '../../../chaos/scenarios/draw.ts';
import { entriesOf } from '../../../chaos/scenarios/experiment.ts';
import { parseScenario } from '../../../chaos/scenarios/file.ts';
import { jobOf, ownJob } from '../../../chaos/scenarios/job.ts';
import { resultKey } from '../../../chaos/scenarios/key.ts';
import {
  describeDeed,
  describeTiming,
  isRandom,
  resolve,
  type Entry,
} from '../../../chaos/scenarios/method.ts';
import { beginOf, isThrough, missedOf, next } from '../../../chaos/scenarios/next.ts';
import type { Scenario } from '../../../chaos/scenarios/scenario.ts';
import { findScenarios, shipped, shippedNames } from '../../../chaos/scenarios/shipped.ts';
import { scenarioText } from '../../../chaos/scenarios/write.ts';
import type { FtcError } from '../../../src/errors.ts';
import type { Phase } from '../../../src/protocol/inbound.ts';
import { status } from '../verify/made.ts';

const parse = (text: string): Scenario =>
  parseScenario(text, { shown: 'mine.yaml', name: 'mine', path: null });
const method = (...lines: string[]): string =>
  ['title: Mine', 'method:', ...lines.map(l => `  - ${l}`)].join('\n');
const problem = (text: string): string => {
  try {
    parse(text);
  } catch (error) {
    return (error as FtcError).message;
  }
  throw new Error('it was taken');
};

describe('a scenario file', () => {
  it('is read whole', () => {
    const s = parse(`title: Mine
description: >
  All of it.
job: { workers: 4, recovery: { heartbeat: 2s } }
hypothesis: { stepsLost: 1, recovery: { p99: 3s }, standstill: 20, untouched: false }
method:
  - { at: 40%, kill: worker, count: 2 }
  - { every: 10 steps, times: 3, pause: worker, rank: 1, for: 500ms }
  - { when: phase=checkpoint, kill: all }
  - { when: step=70, stop: standby }
  - { at: 3s, scale: 2 }
  - { random: 5, kinds: [kill, pause], after: 10% }
rollbacks: [{ heal: true }, { start: supervisor }, { scale: 4 }]
atOnce: 2
minInterval: 1s
seed: 9
`);
    expect(s).toMatchObject({
      name: 'mine',
      title: 'Mine',
      description: 'All of it.',
      atOnce: 2,
      minInterval: 1000,
      seed: 9,
    });
    expect(s.job).toMatchObject({ workers: 4, recovery: { heartbeat: 2000 } });
    expect(s.hypothesis).toEqual({
      stepsLost: 1,
      recovery: { p99: 3000 },
      standstill: 20_000,
      untouched: false,
    });
    expect(s.rollbacks).toEqual([
      { kind: 'heal' },
      { kind: 'start', role: 'supervisor' },
      { kind: 'scale', workers: 4 },
    ]);
    expect(s.method.filter(isRandom)).toEqual([
      { random: 5, kinds: ['kill', 'pause'], after: 0.1, before: 0.85 },
    ]);
    const entries = s.method.flatMap(e => (isRandom(e) ? [] : [resolve(e, 200)]));
    expect(entries.map(e => `${describeDeed(e.deed)} ${describeTiming(e.timing)}`)).toEqual([
      'kill 2 workers at step 80',
      'pause rank 1 for 500 ms every 10 steps',
      'kill all workers in phase checkpoint',
      'stop a standby at step 70',
      'scale to 2 workers at 3.00 s',
    ]);
  });

  it.each([
    [
      'title: x\nhypothesys: {}\n' + method('{ at: 5%, kill: worker }').slice(12),
      'mine.yaml:2:1: hypothesys is no key of a scenario; did you mean "hypothesis"?',
    ],
    [
      method('{ at: 5%, kil: worker }'),
      'mine.yaml:3:15: method[0].kil is no key of a scenario; did you mean "kill"?',
    ],
    [
      method('{ at: 5%, kill: wrker }'),
      'mine.yaml:3:21: method[0].kill must be one of worker, standby, master, supervisor, all, not "wrker"',
    ],
    [method('{ at: often, kill: worker }'), 'mine.yaml:3:11: method[0].at must be "step 40"'],
    [method('{ kill: worker }'), 'method[0] needs one of at, every and when'],
    [method('{ at: 5% }'), 'method[0] needs a fault'],
    [method('{ at: 5%, kill: worker, pause: worker }'), 'pause and kill exclude each other'],
    [method('{ at: 5%, every: 5%, kill: worker }'), 'every and at exclude each other'],
    [method('{ at: 5%, kill: worker, for: 3s }'), 'for belongs to a fault that lasts'],
    [method('{ at: 5%, kill: worker, share: 5% }'), 'share is no parameter of kill'],
    [method('{ at: 5%, loss: worker, share: 500% }'), 'share must be a share such as "5%"'],
    [method('{ at: 5%, kill: master, rank: 1 }'), 'rank belongs to a fault of workers'],
    [method('{ when: phase=checkpint, kill: all }'), 'Did you mean "phase=checkpoint"?'],
    [method('{ random: 5, kill: worker }'), 'random and kill exclude each other'],
    [method('{ random: 5, at: 5% }'), 'at is drawn, and does not go with random'],
    [method('{ random: 5, kinds: [kik] }'), 'kinds[0] must be one of kill,'],
    [method('{ random: 5, after: 90% }'), 'after leaves nothing between after and before'],
    ['title: x\nmethod: []', 'method must be a list with at least one fault'],
    [`${method('{ at: 5%, kill: worker }')}\njob: { name: a }`, 'job.name is not for a scenario to choose'],
    [
      `${method('{ at: 5%, kill: worker }')}\njob: { outputs: a }`,
      'job.outputs is not for a scenario to choose',
    ],
    [
      `${method('{ at: 5%, kill: worker }')}\njob: { worker: 3 }`,
      'job.worker is no key of a scenario; did you mean "workers"?',
    ],
    [
      `${method('{ at: 5%, kill: worker }')}\nhypothesis: { recovery: {} }`,
      'hypothesis.recovery needs median, p99 or max',
    ],
    [`${method('{ at: 5%, kill: worker }')}\nhypothesis: { recovry: {} }`, 'did you mean "recovery"?'],
    [
      `${method('{ at: 5%, kill: worker }')}\nrollbacks: [{ start: standby }]`,
      'rollbacks[0].start must be one of supervisor, master, worker',
    ],
    ['title: [', 'this is no YAML'],
  ])('%s', (text, message) => {
    expect(problem(text)).toContain(message);
    expect(problem(text).split('\n')).toHaveLength(1);
  });

  it('names an unknown one, and the nearest', () => {
    expect(() => findScenarios(['rolling-kilss'], [])).toThrow('there is no scenario "rolling-kilss"');
    try {
      findScenarios(['rolling-kilss'], []);
    } catch (error) {
      expect((error as FtcError).hint).toContain('Did you mean "rolling-kills"?');
    }
    expect(() => findScenarios(['nowhere.yaml'], [], '/tmp')).toThrow(
      'cannot read the scenario nowhere.yaml: there is no such file',
    );
  });
});

describe('the scenarios that come with ftc', () => {
  it.each(shippedNames())('%s is sound, fits the small job and says what it proves', name => {
    const s = shipped(name);
    const job = jobOf(ownJob('x'), s);
    expect(job.workers).toBeGreaterThan(1);
    expect(s.description).not.toBe('');
    const steps = 'steps' in job.length ? job.length.steps : 0;
    for (const { timing } of entriesOf(s, steps, 1, () => true))
      if ('at' in timing && 'steps' in timing.at) expect(timing.at.steps).toBeLessThan(0.9 * steps);
  });

  it('are all, but for what asks for consent', () => {
    const without = findScenarios(['all'], []).map(s => s.name);
    expect(shippedNames().filter(name => !without.includes(name))).toEqual(['engine-restart']);
    expect(findScenarios(['all'], ['restartEngine'])).toHaveLength(shippedNames().length);
    expect(() => findScenarios(['engine-restart'], [])).toThrow('needs --restart-engine');
  });
});

describe('the result', () => {
  const ground = { image: 'sha256:1', machine: 'm' };
  const key = (job: Scenario['job'], on = ground): string =>
    resultKey(jobOf(ownJob('x'), { job, name: 'n' }), on);

  it('is decided by seed, slices, length, arguments and image, and not by who computes it', () => {
    const same = key({});
    expect([key({ workers: 5 }), key({ standbys: 1 }), key({ checkpoint: { every: 3 } })]).toEqual([
      same,
      same,
      same,
    ]);
    const others = [
      key({ seed: 1 }),
      key({ virtualRanks: 6 }),
      key({ steps: 7 }),
      key({ args: ['x=1'] }),
      key({ threads: 2 }),
    ];
    const elsewhere = [key({}, { ...ground, image: 'sha256:2' }), key({}, { ...ground, machine: 'n' })];
    expect(new Set([same, ...others, ...elsewhere]).size).toBe(8);
  });

  it('of a script that is not ours has another key', () => {
    expect(resultKey({ ...ownJob('x'), script: 'builtin:fashion-mnist' }, ground)).not.toBe(key({}));
  });
});

describe('random faults', () => {
  const mix = fc.record({
    random: fc.integer({ min: 1, max: 60 }),
    kinds: fc.constant(null),
    after: fc.double({ min: 0, max: 0.4, noNaN: true }),
    before: fc.double({ min: 0.5, max: 1, noNaN: true }),
  });

  it('are the same for the same seed, in order, within their bounds, and each one that the fault itself takes', () => {
    fc.assert(
      fc.property(mix, fc.nat(), fc.integer({ min: 2, max: 5_000 }), (random, seed, steps) => {
        const entries = draw(random, drawable, steps, seed);
        expect(draw(random, drawable, steps, seed)).toEqual(entries);
        expect(entries).toHaveLength(random.random);
        const places = entries.map(({ timing }) =>
          'at' in timing && 'steps' in timing.at ? timing.at.steps : NaN,
        );
        expect(places).toEqual([...places].sort((a, b) => a - b));
        for (const place of places) {
          expect(place).toBeGreaterThanOrEqual(1);
          expect(place).toBeLessThan(steps);
        }
        for (const { deed } of entries) {
          if (deed.kind !== 'fault') throw new Error('no fault');
          const fault = faultNamed(deed.fault);
          expect(fault.targets).toContain(deed.target);
          expect(fault.params.safeParse(deed.params).error).toBeUndefined();
          // Healed in time: what lasts is over within seconds.
          if (typeof fault.lasting === 'object') expect(deed.forMs).not.toBeNull();
          if (fault.lasting === 'no') expect(deed.forMs).toBeNull();
          expect(deed.forMs ?? 0).toBeLessThanOrEqual(6_000);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('are of every kind sooner or later, and of none that is not possible or not wanted', () => {
    const of = (random: number, possible: readonly string[], kinds: string[] | null): Set<string> =>
      new Set(
        draw({ random, kinds, after: 0.05, before: 0.85 }, possible, 10_000, 3).map(e =>
          e.deed.kind === 'fault' ? e.deed.fault : '',
        ),
      );
    const asked = ['disk-full', 'bitflip'];
    const all = drawable.filter(name => !asked.includes(name));
    expect([...of(1_000, drawable, null)].sort()).toEqual([...all].sort());
    for (const name of asked) expect(of(20, drawable, [name])).toEqual(new Set([name]));
    expect(drawable).not.toContain('engine');
    expect(drawable).not.toContain('clock');
    expect(of(50, ['kill', 'pause'], ['pause', 'loss'])).toEqual(new Set(['pause']));
    expect(of(50, ['kill'], ['loss'])).toEqual(new Set());
  });

  it('differ from seed to seed', () => {
    const random = { random: 12, kinds: null, after: 0, before: 1 };
    const drawn = Array.from({ length: 20 }, (_, seed) => JSON.stringify(draw(random, drawable, 240, seed)));
    expect(new Set(drawn).size).toBe(20);
  });
});

describe('what comes next', () => {
  const entries = (text: string): Entry[] => entriesOf(parse(text), 100, 1, () => true);
  const look = (phase: Phase | null, step = 10) => ({
    status: { ...status({ step }), workers: phase === null ? [] : [{ phase }] } as never,
    writing: false,
  });
  const at = (steps: number, more: object = {}) => ({
    progress: { steps, ms: steps * 100 },
    before: look(null),
    look: look(null),
    inForce: 0,
    sinceLast: null,
    ...more,
  });
  const limits = { atOnce: 1, minInterval: 500 };

  it('is what is due, in order, unless too much is in force or too little time has passed', () => {
    const plan = entries(method('{ at: 30%, kill: worker }', '{ at: 10%, pause: master }'));
    const ledger = beginOf(plan);
    expect(next(plan, ledger, at(9), limits)).toEqual([]);
    expect(next(plan, ledger, at(10), limits)).toEqual([1]);
    expect(next(plan, ledger, at(50), limits)).toEqual([0, 1]);
    expect(next(plan, ledger, at(50, { inForce: 1 }), limits)).toEqual([]);
    expect(next(plan, ledger, at(50, { inForce: 1 }), { ...limits, atOnce: 2 })).toEqual([0, 1]);
    expect(next(plan, ledger, at(50, { sinceLast: 499 }), limits)).toEqual([]);
    const after = fire(ledger, 0, { steps: 50, ms: 0 });
    expect(next(plan, after, at(50), limits)).toEqual([1]);
    expect([isThrough(plan, after), isThrough(plan, fire(after, 1, { steps: 50, ms: 0 }))]).toEqual([
      false,
      true,
    ]);
    expect(missedOf(plan, after).map(m => m.entry)).toEqual([plan[1]]);
  });

  it('is a phase when it begins, as often as asked for', () => {
    const plan = entries(method('{ when: phase=checkpoint, kill: all, times: 2 }'));
    let ledger = beginOf(plan);
    const begins = at(5, { look: look('checkpoint') });
    expect(next(plan, ledger, begins, limits)).toEqual([0]);
    expect(next(plan, ledger, { ...begins, before: look('checkpoint') }, limits)).toEqual([]);
    ledger = fire(fire(ledger, 0, { steps: 5, ms: 0 }), 0, { steps: 6, ms: 0 });
    expect(next(plan, ledger, begins, limits)).toEqual([]);
    expect(isThrough(plan, ledger)).toBe(true);
    const often = entries(
      method('{ every: 10 steps, times: 4, kill: worker }', '{ every: 10 steps, kill: worker }'),
    );
    const once = fire(fire(beginOf(often), 0, { steps: 10, ms: 0 }), 1, { steps: 10, ms: 0 });
    expect(missedOf(often, once).map(m => m.times)).toEqual([3]);
    expect(missedOf(plan, begin([{ timing: { at: { ms: 0 } } }])).map(m => m.times)).toEqual([2]);
  });
});

it('every kind of entry is written down as it is read', () => {
  const text = method(
    '{ at: 10 steps, kill: worker, count: 2 }',
    '{ at: 2.5s, pause: standby, percent: 50, for: 700ms }',
    '{ every: 7 steps, times: 3, loss: worker, rank: 1, share: 20%, from: master }',
    '{ every: 1.5s, stop: master }',
    '{ when: phase=checkpoint, times: 2, kill: all, signal: TERM }',
    '{ at: step 50, scale: 4 }',
  );
  const entries = entriesOf(parse(text), 100, 1, () => true);
  const about = {
    title: 'x',
    description: 'y',
    job: {},
    hypothesis: {},
    atOnce: 1,
    minInterval: 0,
    seed: 1,
    comment: [],
  };
  expect(entriesOf(parse(scenarioText({ ...about, entries })), 100, 1, () => true)).toEqual(entries);
});

it('a scenario that is written down says the same when it is read', () => {
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 1, max: 20 }), (seed, random) => {
      const entries = draw({ random, kinds: null, after: 0.05, before: 0.9 }, drawable, 240, seed);
      const told = {
        job: { workers: 3, recovery: { heartbeat: 2_500 } },
        hypothesis: { stepsLost: 0, standstill: 20_500, recovery: { p99: 900 } },
      };
      const about = {
        title: 'Replay',
        description: 'What happened.',
        atOnce: 2,
        minInterval: 300,
        seed,
        comment: ['a', 'b'],
      };
      const again = parse(scenarioText({ ...about, ...told, entries }));
      expect(again).toMatchObject({ ...told, title: 'Replay', atOnce: 2, minInterval: 300, seed });
      expect(entriesOf(again, 240, 0, () => true)).toEqual(entries.map(e => ({ ...e, drawn: false })));
    }),
    { numRuns: 50 },
  );
});
