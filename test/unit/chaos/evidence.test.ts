import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkpointOf } from '../../../chaos/evidence/checkpoints.ts';
import { Evidence, type Lane } from '../../../chaos/evidence/evidence.ts';
import { doingOf, extend } from '../../../chaos/evidence/lanes.ts';
import { percentile } from '../../../chaos/evidence/percentile.ts';
import { Recorder } from '../../../chaos/evidence/recorder.ts';
import { longestStandstill } from '../../../chaos/evidence/standstill.ts';
import type { Container } from '../../../src/runtime/docker/engine.ts';
import { noChecks } from '../../../src/api/replicas.ts';
import type { JobEvent } from '../../../src/api/event.ts';
import type { Status, WorkerRow } from '../../../src/api/status.ts';
import { recovery, status } from '../verify/made.ts';

const row = (more: Partial<WorkerRow>): WorkerRow => ({
  id: 'a',
  container: 'job-a',
  rank: 0,
  role: 'rank',
  state: 'training',
  phase: 'compute',
  step: 1,
  restarts: 0,
  lastSeenMs: 0,
  phaseMs: 0,
  slow: null,
  stuckMs: null,
  diverged: 0,
  ...more,
});

describe('what a worker does', () => {
  it.each([
    ['computing', {}],
    ['computing', { phase: 'reduce', phaseMs: 20 }],
    ['waiting', { phase: 'reduce', phaseMs: 900 }],
    ['regrouping', { phase: 'sync' }],
    ['standby', { role: 'standby', rank: null, state: 'ready', phase: 'idle' }],
    ['starting', { role: null, rank: null, state: 'starting', phase: null }],
    ['dead', { state: 'down', role: null, phase: null }],
    ['done', { state: 'finishing', phase: 'finishing' }],
  ] as const)('is %s', (doing, more) => {
    expect(doingOf(row(more))).toBe(doing);
  });

  it('is a lane without gaps and without two equal spans side by side', () => {
    const looks = fc.array(
      fc.record({
        after: fc.integer({ min: 1, max: 500 }),
        rows: fc.option(
          fc.array(fc.record({ id: fc.constantFrom('a', 'b'), phase: fc.constantFrom('compute', 'sync') }), {
            maxLength: 2,
          }),
        ),
      }),
    );
    fc.assert(
      fc.property(looks, all => {
        const lanes = new Map<string, Lane>();
        let at = 0;
        for (const { after, rows } of all) extend(lanes, (at += after), rows?.map(r => row(r)) ?? null);
        for (const { spans } of lanes.values())
          for (const [i, span] of spans.entries()) {
            expect(span.to).toBeGreaterThanOrEqual(span.from);
            if (i === 0) continue;
            expect(spans[i - 1]?.to).toBe(span.from);
            expect(spans[i - 1]?.doing).not.toBe(span.doing);
          }
        for (const { spans } of lanes.values()) expect(spans.at(-1)?.to).toBe(at);
      }),
    );
  });
});

describe('the longest standstill', () => {
  const of = (steps: [number, number | null][], end = 10_000) =>
    longestStandstill({ steps, totalSteps: 100, end });

  it('is between two steps, from the first one on', () => {
    expect(
      of([
        [0, 0],
        [5_000, 1],
        [5_500, 2],
        [7_000, 3],
        [7_100, 100],
      ]),
    ).toEqual({ ms: 1_500, from: 5_500, step: 2 });
  });

  it('lasts until the end where no step came any more, and ends with the last step', () => {
    expect(
      of([
        [0, 1],
        [100, 2],
      ]),
    ).toMatchObject({ ms: 9_900, step: 2 });
    expect(
      of([
        [0, 1],
        [100, 100],
      ]),
    ).toMatchObject({ ms: 100 });
  });

  it('goes on where training goes back to a checkpoint, or a master that was away knows less than before', () => {
    const back: [number, number | null][] = [
      [0, 1],
      [1_000, 60],
      [1_500, null],
      [3_000, 40],
      [6_000, 41],
      [6_100, 100],
    ];
    expect(of(back)).toMatchObject({ ms: 5_000, from: 1_000, step: 60 });
    // Steps were made in the silence.
    expect(of(back.with(4, [6_000, 62]))).toMatchObject({ ms: 1_000, from: 0 });
  });

  it('is not what nobody could see: only a silence in which no step was made counts', () => {
    expect(
      of([
        [0, 1],
        [100, null],
        [8_000, 60],
        [8_100, 100],
      ]),
    ).toMatchObject({ ms: 100 });
    expect(
      of([
        [0, 1],
        [100, null],
        [8_000, 1],
        [8_500, 100],
      ]),
    ).toMatchObject({ ms: 8_500, step: 1 });
  });
});

it('a percentile is a value that was seen, and no smaller one would do', () => {
  expect([
    percentile([], 99),
    percentile([5], 50),
    percentile([1, 2, 3, 4], 50),
    percentile([1, 2, 3, 4], 99),
  ]).toEqual([null, 5, 2, 4]);
  fc.assert(
    fc.property(fc.array(fc.integer(), { minLength: 1 }), fc.integer({ min: 1, max: 100 }), (values, p) => {
      const at = percentile(values, p);
      expect(values).toContain(at);
      const share = (limit: number): number => values.filter(v => v <= limit).length / values.length;
      expect(share(at ?? NaN)).toBeGreaterThanOrEqual(p / 100 - 1e-9);
    }),
  );
});

it.each([
  ['published', { what: 'checkpoint-published', bytes: 1, stallMs: 0, writeMs: 1, lateMs: 0, failures: 0 }],
  ['failed', { what: 'checkpoint-failed', reason: null, code: null }],
  ['loaded', { what: 'checkpoint-loaded' }],
  ['set aside', { what: 'checkpoint-quarantined', text: '' }],
] as const)('a checkpoint is %s, in whatever words', (what, more) => {
  fc.assert(
    fc.property(fc.string(), fc.nat(), (text, step) => {
      expect(checkpointOf({ text, fact: { ...more, step } }, 5)).toEqual({ at: 5, step, what, text });
      expect(checkpointOf({ text, fact: { what: 'worker-note', text } }, 5)).toBeNull();
      expect(checkpointOf({ text, fact: null }, 5)).toBeNull();
    }),
  );
});

describe('the record of a run', () => {
  const container = (more: Partial<Container>): Container =>
    ({
      id: 'c1',
      name: 'job-worker-1',
      role: 'worker',
      state: 'running',
      startedAt: 1_000,
      ...more,
    }) as Container;
  const event = (text: string): JobEvent => ({
    seq: 1,
    at: 1_500,
    kind: 'note',
    level: 'info',
    fact: { what: 'worker-note', text },
    text,
    generation: 1,
    worker: null,
    rank: null,
    step: null,
  });
  const now = (more: Partial<Status>): Status => ({
    ...status(more, [['a', 0, 10]]),
    workers: [row({})],
    reason: null,
    traceback: null,
  });

  it('has each step once, each generation, and each recovery as it was told last', () => {
    const recorder = new Recorder(1_000);
    recorder.look(1_100, { status: null, events: [] });
    for (const [at, step] of [
      [1_200, 1],
      [1_250, 1],
      [1_300, 2],
    ] as const)
      recorder.look(at, { status: now({ step, recoveries: [recovery({ resumedMs: null })] }), events: [] });
    recorder.look(1_400, { status: null, events: [] });
    recorder.look(1_500, {
      status: now({
        step: 5,
        generation: 2,
        recoveries: [recovery({ resumedMs: 7 })],
      }),
      events: [event('x'), { ...event('y'), fact: { what: 'checkpoint-loaded', step: 4 } }],
    });
    const e = recorder.evidence([], null);
    expect(Evidence.safeParse(e).error).toBeUndefined();
    expect(e.steps).toEqual([
      [100, null],
      [200, 1],
      [300, 2],
      [400, null],
      [500, 5],
    ]);
    expect(e).toMatchObject({
      firstStep: 200,
      end: 500,
      events: [{ at: 500, text: 'x', step: null }],
      checkpoints: [{ step: 4, what: 'loaded' }],
    });
    expect(e.generations.map(g => g.generation)).toEqual([1, 2]);
    expect(e.recoveries.map(r => r.resumedMs)).toEqual([7]);
    expect(e.lanes[0]?.spans.map(s => s.doing)).toEqual(['computing', 'unknown', 'computing']);
  });

  it('has what the master told last of the replicas, and each event about them', () => {
    const recorder = new Recorder(1_000);
    const found = { ...noChecks, checks: 7, mismatches: 1, repaired: 1 };
    const text = 'the replicas differ in model.0.weight since step 5: …';
    const events = [{ ...event(text), kind: 'replicas' as const, level: 'warn' as const }];
    recorder.look(1_100, { status: now({ replicas: { ...noChecks, checks: 5 } }), events: [] });
    recorder.look(1_200, { status: now({ replicas: found }), events });
    recorder.look(1_300, { status: null, events: [] });
    const e = recorder.evidence([], null);
    expect(e.replicas).toEqual({ checks: 7, mismatches: 1, repaired: 1, returned: 0 });
    expect(e.events.filter(x => x.kind === 'replicas')).toMatchObject([{ level: 'warn', text }]);
    const old = { ...e, replicas: undefined };
    expect(Evidence.parse(old).replicas).toEqual({ checks: 0, mismatches: 0, repaired: 0, returned: 0 });
  });

  it('tells a start from one again, also of a container made anew under the same name', () => {
    const recorder = new Recorder(1_000);
    recorder.containers(1_100, [container({})]);
    recorder.containers(1_200, [container({ state: 'exited' })]);
    recorder.containers(1_300, [container({ startedAt: 1_250 })]);
    recorder.containers(1_400, [container({ startedAt: 1_250, state: 'paused' })]);
    recorder.containers(1_500, [
      container({ id: 'c2', startedAt: 1_450 }),
      container({ id: 'c3', name: 'job-worker-2', startedAt: 1_460 }),
    ]);
    expect(recorder.evidence([], null).starts.map(s => [s.container, s.at, s.again])).toEqual([
      ['job-worker-1', 100, false],
      ['job-worker-1', 250, true],
      ['job-worker-1', 450, true],
      ['job-worker-2', 500, false],
    ]);
  });
});
