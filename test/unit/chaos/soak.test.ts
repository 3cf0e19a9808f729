import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { drawable } from '../../../chaos/scenarios/draw.ts';
import { entriesOf, type Outcome } from '../../../chaos/scenarios/experiment.ts';
import { parseScenario } from '../../../chaos/scenarios/file.ts';
import { jobOf, ownJob } from '../../../chaos/scenarios/job.ts';
import { isRandom } from '../../../chaos/scenarios/method.ts';
import { replayOf } from '../../../chaos/soak/replay.ts';
import { roundOf } from '../../../chaos/soak/rounds.ts';
import { SoakReport, soakReport } from '../../../chaos/soak/tally.ts';
import { soakLines } from '../../../src/cli/view/chaos-soak.ts';
import { recovery } from '../verify/made.ts';
import { evidence, seenFault } from './seen.ts';

const plan = { seed: 7, kinds: null };
const outcome = (more: Partial<Outcome> = {}): Outcome => {
  const { scenario, seed } = roundOf(plan, 3, null);
  return {
    scenario,
    seed,
    conclusion: 'holds',
    reason: null,
    verdicts: [],
    entries: entriesOf(scenario, 400, seed, () => true),
    project: 'ftc-chaos-1',
    job: jobOf(ownJob('ftc'), scenario),
    evidence: evidence(),
    undisturbed: { digest: 'a'.repeat(64), steps: 400, trainingMs: 1 },
    ...more,
  };
};

describe('a round of a soak', () => {
  it('is the same for the same seed, another one each time, and within the faults that are left', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.integer({ min: 1, max: 50 }),
        fc.option(fc.integer({ min: 1, max: 500 })),
        (seed, round, left) => {
          const one = roundOf({ seed, kinds: null }, round, left);
          expect(roundOf({ seed, kinds: null }, round, left)).toEqual(one);
          expect(roundOf({ seed, kinds: null }, round + 1, left).seed).not.toBe(one.seed);
          const random = one.scenario.method.filter(isRandom).reduce((sum, r) => sum + r.random, 0);
          expect(random).toBeLessThanOrEqual(left ?? 20);
        },
      ),
    );
  });

  it('draws of all that is possible, or of what is wanted', () => {
    const kinds = (wanted: string[] | null) =>
      new Set(
        Array.from({ length: 40 }, (_, i) => roundOf({ seed: 1, kinds: wanted }, i + 1, null)).flatMap(
          ({ scenario, seed }) =>
            entriesOf(scenario, 400, seed, () => true).map(e =>
              e.deed.kind === 'fault' ? e.deed.fault : '',
            ),
        ),
      );
    expect(kinds(null)).toEqual(new Set(drawable.filter(name => !['disk-full', 'bitflip'].includes(name))));
    expect(kinds(['kill', 'pause'])).toEqual(new Set(['kill', 'pause']));
    expect(kinds(['bitflip'])).toEqual(new Set(['bitflip']));
  });
});

describe('a replay', () => {
  it('is a scenario with the faults that came, where they came, to those whom they hit', () => {
    const o = outcome();
    const [first, second] = o.entries
      .map((e, i) => [e, i] as const)
      .filter(([e]) => e.deed.kind === 'fault' && e.deed.target === 'worker');
    const master = o.entries.findIndex(e => e.deed.kind === 'fault' && e.deed.target === 'master');
    const fault = (entry: number, asked: number, step: number, rank: number | null) =>
      seenFault({ entry, asked, step, hits: [{ container: 'c', id: 'c', role: 'worker', rank }] });
    const seen = evidence({
      faults: [
        fault(second?.[1] ?? -1, 900, 41, 2),
        fault(first?.[1] ?? -1, 500, 33, 0),
        fault(master, 1_200, 50, null),
      ],
    });
    const text = replayOf(
      { ...o, evidence: seen, reason: 'the job\nsucceeds: no' },
      'ftc chaos soak --seed 7',
    );
    expect(text).toContain('# Made by: ftc chaos soak --seed 7\n# What broke: the job succeeds: no\n');
    const again = parseScenario(text, { shown: 'replay.yaml', name: 'replay', path: null });
    expect(again).toMatchObject({
      seed: o.seed,
      atOnce: o.scenario.atOnce,
      minInterval: o.scenario.minInterval,
    });
    expect(again.job).toEqual(o.scenario.job);
    expect(again.hypothesis).toEqual(o.scenario.hypothesis);
    const entries = entriesOf(again, 400, 1, () => true);
    expect(entries.map(e => e.timing)).toEqual([33, 41, 50].map(steps => ({ at: { steps } })));
    expect(entries.map(e => e.deed)).toEqual([
      { ...first?.[0].deed, rank: 0 },
      { ...second?.[0].deed, rank: 2 },
      o.entries[master]?.deed,
    ]);
  });
});

describe('what a soak comes to', () => {
  const report = (...outcomes: Outcome[]): SoakReport =>
    SoakReport.parse(soakReport(outcomes, { seed: 7, replay: null, command: 'ftc chaos soak --seed 7' }));

  it('counts faults by kind, losses, steps and times', () => {
    const seen = evidence({
      faults: [seenFault(), seenFault({ fault: 'pause' }), seenFault()],
      recoveries: [
        recovery({ lost: ['a', 'b'], resumedMs: 100 }),
        recovery({ at: 2, resumedMs: 300 }),
        recovery({ at: 3, resumedMs: null }),
      ],
    });
    const r = report(outcome({ evidence: seen }), outcome());
    expect(r).toMatchObject({
      conclusion: 'holds',
      rounds: 2,
      total: 4,
      faults: { kill: 3, pause: 1 },
      losses: 4,
      stepsLost: 0,
    });
    expect(Object.keys(r.faults)).toEqual(['kill', 'pause']);
    expect(r.recovery).toEqual({ median: 100, p99: 300, max: 300 });
    expect(soakLines(r).join('\n')).toContain('every round that ended has the digest of the baseline: aaaa');
  });

  it('is what its gravest round is', () => {
    const of = (...conclusions: Outcome['conclusion'][]) =>
      report(...conclusions.map(conclusion => outcome({ conclusion, reason: 'so' }))).conclusion;
    expect([
      of('holds'),
      of('holds', 'not judged'),
      of('not judged', 'broken'),
      of('holds', 'interrupted'),
    ]).toEqual(['holds', 'not judged', 'broken', 'interrupted']);
    expect(report(outcome({ evidence: evidence({ faults: [] }) }))).toMatchObject({
      conclusion: 'not judged',
      reason: 'there was no fault',
    });
    expect(report()).toMatchObject({ conclusion: 'not judged' });
  });
});
