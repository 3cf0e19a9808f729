import { describe, expect, it } from 'vitest';
import type { RunRecord } from '../../../src/verify/run.ts';
import { runReport, verdict } from '../../../src/verify/verdict.ts';
import { summary } from '../../../src/cli/view/verify.ts';
import { noChecks } from '../../../src/api/replicas.ts';
import { divergence } from '../master/simulation.ts';
import { fault, hit, recovery, status } from './made.ts';

const quiet = { project: 'job-verify-1', workers: 3, standbys: 0, disturbed: false };
const broken = { project: 'job-verify-2', workers: 3, standbys: 1, disturbed: true };
const ended = (digest: string, more: Partial<RunRecord> = {}): RunRecord => ({
  status: status({ state: 'succeeded', finalDigest: digest, step: 100 }, [['a', null, 100]]),
  faults: [],
  missed: [],
  recoveries: [],
  holders: [{ generation: 1, ids: ['a', 'b'] }],
  trainingMs: 5000,
  ...more,
});
const A = 'a'.repeat(64);
const kill = { faults: [fault({})], recoveries: [recovery({})] };

describe('the verdict', () => {
  it('is a pass for equal digests, faults that hit, and nothing lost', () => {
    const report = verdict('job', 7, [runReport(quiet, ended(A)), runReport(broken, ended(A, kill))]);
    expect(report).toMatchObject({
      verdict: 'same bits',
      reason: null,
      equal: true,
      digest: A,
      faults: 1,
      losses: 1,
      recoveries: 1,
      stepsLost: 0,
      resumedMs: { median: 100, max: 100 },
      wholeMs: { median: 200, max: 200 },
    });
    expect(report.runs[1]?.faults).toMatchObject([
      { fault: 'kill a worker', hits: [{ container: 'job-a', rank: 0 }] },
    ]);
    expect(summary(report).join('\n')).toContain('same bits, no committed step lost: 2 runs, 1 fault');
  });

  it('is none for digests that differ, or are not there', () => {
    const report = verdict('job', 7, [
      runReport(quiet, ended(A)),
      runReport(broken, ended('b'.repeat(64), kill)),
    ]);
    expect(report).toMatchObject({ verdict: 'different bits', equal: false, digest: null });
    expect(summary(report).join('\n')).toContain(`digest of run 2: ${'b'.repeat(64)}`);
    const none = { ...ended(A), status: status({ finalDigest: null }) };
    expect(verdict('job', 7, [runReport(quiet, none)]).equal).toBe(false);
  });

  it('is none for steps that were lost although somebody was left', () => {
    const bad = { ...kill, recoveries: [recovery({ stepsLost: 3 })] };
    const report = verdict('job', 7, [runReport(quiet, ended(A)), runReport(broken, ended(A, bad))]);
    expect(report).toMatchObject({ verdict: 'steps lost', equal: true, stepsLost: 3 });
  });

  it('says which steps were repeated because no worker was left', () => {
    const all = {
      faults: [fault({ target: 'all' }, [hit('a'), hit('b', 1)])],
      recoveries: [recovery({ lost: ['a', 'b'], stepsLost: 3 })],
    };
    const report = verdict('job', 7, [runReport(quiet, ended(A)), runReport(broken, ended(A, all))]);
    expect(report).toMatchObject({ verdict: 'same bits', stepsLost: 0, stepsRepeated: 3 });
    expect(summary(report).join('\n')).toContain('run 2: 3 steps were repeated from a checkpoint');
  });

  it('tells how often the workers compared their state, and what came of it', () => {
    const last = divergence({ step: 42 });
    const replicas = { ...noChecks, checks: 100, checkedStep: 100 };
    const calm = { ...ended(A), status: status({ finalDigest: A, replicas }) };
    const found = { ...replicas, mismatches: 1, repaired: 1, last: { ...last, at: 1 } };
    const hurt = { ...ended(A, kill), status: status({ finalDigest: A, replicas: found }) };
    const report = verdict('job', 7, [runReport(quiet, calm), runReport(broken, hurt)]);
    expect(report).toMatchObject({
      verdict: 'same bits',
      replicas: { checks: 200, mismatches: 1, repaired: 1, returned: 0 },
      runs: [
        { replicas: { checks: 100, mismatches: 0 }, mismatch: null },
        { replicas: { checks: 100, mismatches: 1 }, mismatch: { tensor: 'model.0.weight' } },
      ],
    });
    const text = summary(report).join('\n');
    expect(text).toMatch(/CHECKS/);
    expect(text).toContain(
      'run 2: the replicas differed, 1 difference repaired; last in model.0.weight, seen at step 42',
    );
    expect(text).not.toContain('run 1:');
  });

  it('is none where no fault hit', () => {
    const missed = [{ timing: { at: { steps: 500 } }, act: fault({}).act }];
    const report = verdict('job', 7, [runReport(quiet, ended(A)), runReport(broken, ended(A, { missed }))]);
    expect(report).toMatchObject({ verdict: 'nothing proved', equal: true });
    expect(report.reason).toMatch(/no fault hit: nothing is proved/);
    expect(summary(report).join('\n')).toContain('run 2: the end came before kill a worker at step 500');
  });

  it('needs a fault in every run that should have one', () => {
    const runs = [ended(A), ended(A, kill), ended(A)].map((r, i) => runReport(i === 0 ? quiet : broken, r));
    expect(verdict('job', 7, runs).verdict).toBe('nothing proved');
  });
});
