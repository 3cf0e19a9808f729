import { describe, expect, it } from 'vitest';
import type { Evidence } from '../../../chaos/evidence/evidence.ts';
import { conclude, Hypotheses, judge } from '../../../chaos/hypotheses/index.ts';
import { concluded } from '../../../chaos/scenarios/experiment.ts';
import { recovery } from '../verify/made.ts';
import { evidence, seenFault } from './seen.ts';

const undisturbed = { digest: 'a'.repeat(64), steps: 100, trainingMs: 10_000 };

/** What is said of one key. */
function verdict(
  key: string,
  limit: unknown,
  seen: Partial<Evidence>,
  base: typeof undisturbed | null = undisturbed,
) {
  const wanted = Hypotheses.parse(limit === undefined ? {} : { [key]: limit });
  const found = judge(wanted, evidence(seen), base).find(v => v.key === key);
  if (!found) throw new Error(`${key} is not judged`);
  return found;
}

const start = (more: object) => ({
  at: 6_000,
  container: 'job-worker-1',
  role: 'worker' as const,
  again: true,
  ...more,
});
const checkpoint = (what: 'published' | 'loaded' | 'set aside' | 'failed', step: number, at: number) => ({
  what,
  step,
  at,
  text: '',
});
const damage = (step: number, at: number) =>
  seenFault({
    fault: 'corrupt-checkpoint',
    at,
    data: [{ act: { act: 'damage', checkpoint: `step-${String(step).padStart(8, '0')}` } }],
  });

const flip = (at: number, step: number) => seenFault({ fault: 'bitflip', at, step });
const told = (at: number, step: number | null, kind = 'replicas') => ({
  at,
  step,
  kind,
  level: 'warn' as const,
  text: '',
});
/** A step every 100 ms: heard of a little later. */
const paced = Array.from({ length: 400 }, (_, i): [number, number] => [1_050 + 100 * i, i]);

const scaled = (containers: number) => seenFault({ fault: 'scale', hits: [], data: [{ containers }] });

/** Training went on after a loss, and the master never said where. */
const unmeasured: Partial<Evidence> = {
  recoveries: [
    recovery({ at: 1_005_000, atStep: 20, lost: ['a', 'b', 'c'], stepsLost: null, resumedMs: null }),
  ],
  steps: [
    [1_000, 1],
    [4_900, 20],
    [6_000, 15],
    [19_000, 100],
  ],
};

const withMeasured = (resumedMs: number): Partial<Evidence> => ({
  ...unmeasured,
  recoveries: [recovery({ resumedMs }), ...(unmeasured.recoveries ?? [])],
});

const cases: [string, unknown, [boolean | null, Partial<Evidence>][]][] = [
  [
    'flipsFound',
    true,
    [
      [null, { faults: [seenFault()] }],
      [true, { faults: [flip(5_000, 38)], events: [told(6_000, 50)], steps: paced }],
      // The master's step is old by the time that it happens: 40, not 20.
      [true, { faults: [flip(5_000, 20)], events: [told(18_000, 40 + 128)], steps: paced }],
      [false, { faults: [flip(5_000, 20)], events: [told(18_000, 41 + 128)], steps: paced }],
      [false, { faults: [flip(5_000, 40)], events: [], steps: paced }],
      [false, { faults: [flip(5_000, 40)], events: [told(4_900, 39)], steps: paced }],
      [false, { faults: [flip(5_000, 40)], events: [told(6_000, 50, 'loss')], steps: paced }],
      [false, { faults: [flip(5_000, 40), flip(9_000, 80)], events: [told(6_000, 50)], steps: paced }],
      // Found together.
      [true, { faults: [flip(5_000, 40), flip(6_000, 50)], events: [told(7_000, 60)], steps: paced }],
    ],
  ],
  [
    'flipsRepaired',
    true,
    [
      [null, { faults: [seenFault()] }],
      [
        true,
        {
          faults: [flip(5_000, 40), flip(9_000, 80)],
          replicas: { checks: 300, mismatches: 2, repaired: 1, returned: 1 },
        },
      ],
      [
        false,
        {
          faults: [flip(5_000, 40), flip(9_000, 80)],
          replicas: { checks: 300, mismatches: 2, repaired: 1, returned: 0 },
        },
      ],
    ],
  ],
  [
    'succeeds',
    undefined,
    [
      [true, {}],
      [false, { state: 'failed', reason: 'ValueError', digest: null }],
      [false, { state: 'running', gaveUp: 'nothing moved for 2 min' }],
      [null, { state: 'running' }],
      [null, { state: null }],
    ],
  ],
  [
    'sameBits',
    undefined,
    [
      [true, {}],
      [false, { digest: 'b'.repeat(64) }],
      [null, { digest: null }],
    ],
  ],
  [
    'stepsLost',
    undefined,
    [
      [true, { recoveries: [recovery({ lost: ['a'], stepsLost: 0 })] }],
      [false, { recoveries: [recovery({ lost: ['a'], stepsLost: 2 })] }],
      // Nobody was left: those are done again, and not lost.
      [true, { recoveries: [recovery({ lost: ['a', 'b', 'c'], stepsLost: 9 })] }],
      [true, { recoveries: [recovery({ at: 1_019_500, lost: ['a'], stepsLost: null, resumedMs: null })] }],
      [null, { state: 'running', recoveries: [recovery({ stepsLost: null, resumedMs: null })] }],
      [null, unmeasured],
      [
        true,
        {
          ...unmeasured,
          steps: [
            [1_000, 20],
            [6_000, 21],
            [19_000, 100],
          ],
        },
      ],
    ],
  ],
  ['stepsLost', 2, [[true, { recoveries: [recovery({ stepsLost: 2 })] }]]],
  [
    'stepsRepeated',
    5,
    [
      [true, { recoveries: [recovery({ lost: ['a', 'b', 'c'], stepsLost: 5 })] }],
      [false, { recoveries: [recovery({ lost: ['a', 'b', 'c'], stepsLost: 6 })] }],
      [null, unmeasured],
    ],
  ],
  [
    'recovery',
    { p99: '500ms', median: '0.2s' },
    [
      [true, { recoveries: [recovery({ resumedMs: 100 }), recovery({ resumedMs: 500, at: 2 })] }],
      [false, { recoveries: [recovery({ resumedMs: 100 }), recovery({ resumedMs: 501, at: 2 })] }],
      [false, { recoveries: [recovery({ resumedMs: 201 }), recovery({ resumedMs: 202, at: 2 })] }],
      [null, { recoveries: [] }],
      [null, { recoveries: [recovery({ resumedMs: null })] }],
      [null, withMeasured(100)],
      [false, withMeasured(501)],
    ],
  ],
  [
    'whole',
    { max: '1s' },
    [
      [true, { recoveries: [recovery({ wholeMs: 1000 })] }],
      [false, { recoveries: [recovery({ wholeMs: 1001 })] }],
      [null, { recoveries: [recovery({ wholeMs: null })] }],
    ],
  ],
  [
    'standstill',
    '5s',
    [
      [
        true,
        {
          steps: [
            [0, 0],
            [100, 1],
            [5_100, 2],
            [5_200, 100],
          ],
        },
      ],
      [
        false,
        {
          steps: [
            [0, 0],
            [100, 1],
            [5_101, 2],
            [5_200, 100],
          ],
        },
      ],
      [null, { steps: [[0, 0]] }],
    ],
  ],
  [
    'validCheckpoints',
    undefined,
    [
      [true, {}],
      [true, { checkpoints: [checkpoint('published', 50, 1), checkpoint('loaded', 50, 2)] }],
      [
        false,
        {
          checkpoints: [checkpoint('published', 50, 1), checkpoint('loaded', 50, 9)],
          faults: [damage(50, 5)],
        },
      ],
      [true, { checkpoints: [checkpoint('loaded', 50, 4)], faults: [damage(50, 5)] }],
      [
        true,
        {
          checkpoints: [checkpoint('published', 50, 7), checkpoint('loaded', 50, 9)],
          faults: [damage(50, 5)],
        },
      ],
      [true, { checkpoints: [checkpoint('loaded', 25, 9)], faults: [damage(50, 5)] }],
      [false, { checkpoints: [checkpoint('set aside', 50, 3), checkpoint('loaded', 50, 9)] }],
      // Put back before it was loaded.
      [true, { checkpoints: [checkpoint('loaded', 50, 9)], faults: [{ ...damage(50, 5), until: 8 }] }],
      [false, { checkpoints: [checkpoint('loaded', 50, 9)], faults: [{ ...damage(50, 5), until: 10 }] }],
    ],
  ],
  [
    'untouched',
    undefined,
    [
      [true, { starts: [start({ again: false, container: 'job-worker-2' })] }],
      [true, { starts: [start({})] }],
      [false, { starts: [start({ container: 'job-worker-2' })] }],
      // Before anything hit it.
      [false, { starts: [start({ at: 3_000 })] }],
      [
        true,
        {
          starts: [start({ container: 'job-worker-2' })],
          faults: [seenFault({ fault: 'engine', hits: [] })],
        },
      ],
      [true, { starts: [start({ container: 'job-worker-4' })], faults: [scaled(3)] }],
      [false, { starts: [start({ container: 'job-worker-4' })], faults: [scaled(4)] }],
    ],
  ],
  [
    'losses',
    { atLeast: 2, atMost: 3 },
    [
      [true, { recoveries: [recovery({ lost: ['a', 'b'] })] }],
      [false, { recoveries: [recovery({ lost: ['a'] })] }],
      [null, { recoveries: [], missed: [{ text: 'kill a worker', why: 'too late', drawn: false }] }],
      [false, { recoveries: [recovery({ lost: ['a', 'b'] }), recovery({ lost: ['c', 'a'], at: 2 })] }],
    ],
  ],
  [
    'promotions',
    { atLeast: 1 },
    [
      [true, { recoveries: [recovery({ resumedMs: 90, wholeMs: 90 })] }],
      [false, { recoveries: [recovery({ resumedMs: 90, wholeMs: 3_000 })] }],
      [false, { recoveries: [recovery({ resumedMs: null, wholeMs: null })] }],
    ],
  ],
  [
    'setAside',
    { atLeast: 1 },
    [
      [true, { checkpoints: [checkpoint('set aside', 50, 3)] }],
      [false, { checkpoints: [checkpoint('loaded', 50, 3)] }],
    ],
  ],
  [
    'faults',
    undefined,
    [
      [true, {}],
      [null, { faults: [] }],
      [
        true,
        { faults: [seenFault({ drawn: true })], missed: [{ text: 'oom', why: 'too late', drawn: true }] },
      ],
      [null, { faults: [], missed: [{ text: 'oom', why: 'too late', drawn: true }] }],
      [null, { missed: [{ text: 'kill a worker at step 500', why: 'the job ended before', drawn: false }] }],
    ],
  ],
];

describe('each hypothesis', () => {
  it.each(cases.map(([key, limit, seen]) => ({ key, limit, seen })))(
    '$key $limit is judged both ways',
    ({ key, limit, seen }) => {
      for (const [holds, what] of seen)
        expect([verdict(key, limit, what).holds, what]).toEqual([holds, what]);
      for (const [, what] of seen) expect(verdict(key, limit, what).seen).not.toMatch(/undefined|NaN|null/);
    },
  );

  it('claims nothing where it is switched off', () => {
    const keys = judge(
      Hypotheses.parse({ succeeds: false, sameBits: false, untouched: false }),
      evidence(),
      undisturbed,
    );
    expect(keys.map(v => v.key)).toEqual(['stepsLost', 'validCheckpoints', 'faults']);
  });

  it('of the bits needs a run to compare with', () => {
    expect(verdict('sameBits', undefined, {}, null).holds).toBeNull();
  });
});

describe('the whole', () => {
  const of = (...holds: (boolean | null)[]) =>
    holds.map(h => ({ key: 'x', claim: 'it holds', holds: h, seen: 'so' }));

  it('holds only when all do, and is broken when one is, whatever else is not known', () => {
    expect([conclude(of(true, true)), conclude(of(true, null)), conclude(of(null, false))]).toEqual([
      true,
      null,
      false,
    ]);
  });

  it('names the first reason', () => {
    expect(concluded(of(true), false)).toEqual({ conclusion: 'holds', reason: null });
    expect(concluded(of(true, false), false)).toEqual({ conclusion: 'broken', reason: 'it holds: so' });
    expect(concluded(of(null), false).conclusion).toBe('not judged');
    expect(concluded(of(true), true).conclusion).toBe('interrupted');
  });
});
