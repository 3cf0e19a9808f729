import { describe, expect, it } from 'vitest';
import { latestOf, parseStep, rowOf as find } from '../../../src/cli/checkpoint-source.ts';
import { checkpointLines, checkpointPiece } from '../../../src/cli/view/checkpoint-status.ts';
import {
  checkpointTable,
  pruneLines,
  verdictLine,
  verdictSummary,
} from '../../../src/cli/view/checkpoints.ts';
import { noCheckpoints } from '../../../src/api/checkpoint-status.ts';
import { stripVTControlCharacters } from 'node:util';
import { rowOf } from '../checkpoint/rows.ts';

const NOW = Date.parse('2026-01-02T00:00:00.000Z');
const plain = (lines: readonly string[]) => lines.map(line => stripVTControlCharacters(line));
const rows = [
  rowOf(300, {
    state: 'valid',
    checkedAt: NOW - 180_000,
    latest: true,
    createdAt: '2026-01-01T23:59:48.000Z',
    bytes: 260_000,
  }),
  rowOf(250, { createdAt: '2026-01-01T23:00:00.000Z' }),
  rowOf(200, { state: 'damaged', problem: 'state.pt is missing', pinned: true, createdAt: 'yesterday' }),
  rowOf(200, { state: 'aside', generation: null }),
  rowOf(150, { state: 'valid', checkedAt: NOW, pinned: true, createdAt: '2025-12-24T00:00:00.000Z' }),
];

it('a table has step, age, size, generation and state', () => {
  expect(plain(checkpointTable(rows, NOW))).toEqual([
    'STEP     AGE    SIZE  GENERATION  STATE',
    ' 300    12 s  260 kB           1  valid 3 min ago, latest',
    ' 250  60 min     3 B           1  not verified',
    ' 200       -     3 B           1  damaged: state.pt is missing, pinned',
    ' 200       -     3 B           -  quarantined',
    ' 150  9 days     3 B           1  valid 0 s ago, pinned',
  ]);
});

it('a verdict is a line, and all of them a sentence', () => {
  const [good, changing, bad] = rows as [(typeof rows)[0], (typeof rows)[0], (typeof rows)[0]];
  expect(plain([good, changing, bad].map(verdictLine))).toEqual([
    '✔ step 300: valid, 260 kB',
    '✘ step 250: it changes while it is read',
    '✘ step 200: damaged: state.pt is missing',
  ]);
  expect([[good], [good, good], [good, bad]].map(verdictSummary)).toEqual([
    'it is valid',
    'all 2 are valid',
    '1 of 2 is not valid; workers load the newest that is, and set others aside',
  ]);
});

it('pruning says what went, and by which rule', () => {
  const pruned = {
    dryRun: true,
    keep: 1,
    pinEvery: 50,
    keepBest: null,
    removed: rows.slice(0, 2),
    kept: rows.slice(2),
  };
  expect(pruneLines(pruned)).toEqual([
    'would remove 2 (260 kB): steps 300, 250',
    'would keep 3: the newest and every one of a step that 50 divides, what LATEST names, and what is known to be damaged or quarantined',
  ]);
  expect(pruneLines({ ...pruned, dryRun: false, keep: 3, pinEvery: null, removed: [] })).toEqual([
    'nothing to remove',
    'kept 3: the 3 newest, what LATEST names, and what is known to be damaged or quarantined',
  ]);
  const keepBest = { metric: 'val_loss', mode: 'min', keep: 1 } as const;
  const rule = (more: object): string => pruneLines({ ...pruned, pinEvery: null, ...more })[1] ?? '';
  expect(rule({ keepBest })).toContain('the newest and the one with the smallest val_loss, what LATEST');
  expect(rule({ keepBest: { metric: 'acc', mode: 'max', keep: 2 }, pinEvery: 50 })).toContain(
    'divides and the 2 with the largest acc, what',
  );
});

it('a table shows the metric by which the best are kept, and marks them', () => {
  const score = (value: number) => ({
    score: { metric: 'val\nloss', value },
    metrics: { 'val\nloss': value },
  });
  const made = { createdAt: '2026-01-01T23:59:48.000Z' };
  const some = [
    rowOf(300, { ...made, ...score(0.31254), latest: true }),
    rowOf(250, { ...made, ...score(1.5e-7), best: true, pinned: true }),
    rowOf(200, { ...made, ...score(12) }),
    rowOf(150, made),
  ];
  expect(plain(checkpointTable(some, NOW))).toEqual([
    'STEP   AGE  SIZE  GENERATION  val\\nloss  STATE',
    ' 300  12 s   3 B           1     0.3125  not verified, latest',
    ' 250  12 s   3 B           1     1.5e-7  not verified, best, pinned',
    ' 200  12 s   3 B           1         12  not verified',
    ' 150  12 s   3 B           1          -  not verified',
  ]);
});

describe('a step', () => {
  const missing = (hint: string) => expect.objectContaining({ code: 'FTC_NO_CHECKPOINT', hint }) as Error;

  it('that is there is found; latest is what LATEST names while that is good', () => {
    expect(find(rows, 200).state).toBe('damaged');
    expect(latestOf(rows).step).toBe(300);
    expect(latestOf([rowOf(300, { state: 'damaged', latest: true }), rowOf(200), rowOf(100)]).step).toBe(200);
    expect(latestOf([rowOf(300), rowOf(200, { latest: true })]).step).toBe(200);
  });

  it('that is not there is told with those that are', () => {
    expect(() => find(rows, 7)).toThrow(missing('There are those of 300, 250, 200, 150.'));
    expect(() => find([rowOf(7, { state: 'aside' })], 7)).toThrow(
      'there is no checkpoint of step 7: the one that was there is quarantined',
    );
    expect(() => latestOf([])).toThrow(missing('There are no checkpoints yet.'));
    const many = Array.from({ length: 20 }, (_, i) => rowOf(i + 100));
    expect(() => find(many, 7)).toThrow(
      missing('There are those of 100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111 and 8 more.'),
    );
  });

  it('is a whole number', () => {
    expect(parseStep('0100')).toBe(100);
    for (const text of ['', '-1', '1.5', 'newest', '9'.repeat(20)])
      expect(() => parseStep(text)).toThrow(/is no step/);
  });
});

describe('the status', () => {
  const last = {
    step: 400,
    at: NOW - 2000,
    bytes: 260_000,
    stallMs: 0.41,
    writeMs: 48,
    serialiseMs: 9,
    fsyncMs: 30,
    delayedMs: 0,
  };
  const failed = { step: 450, at: NOW - 1000, error: 'No space left on device' };

  it('is a piece of the panel', () => {
    const piece = (more: object) =>
      stripVTControlCharacters(checkpointPiece({ ...noCheckpoints, ...more }) ?? 'none');
    expect(piece({})).toBe('none');
    expect(piece({ last })).toBe('checkpoint 400');
    expect(piece({ last, delayed: 2, failed })).toBe('checkpoint 400, 2 late, 450 failed');
    expect(piece({ last, failed: { ...failed, at: NOW - 3000 } })).toBe('checkpoint 400');
    const damaged = [{ step: 350, problem: 'x' }];
    expect(piece({ last, damaged })).toBe('checkpoint 400, 350 damaged');
    expect(piece({ damaged: [...damaged, ...damaged] })).toBe('checkpoints: 2 damaged');
  });

  it('is told at length', () => {
    const damaged = [{ step: 350, problem: 'state.pt is missing' }];
    expect(plain(checkpointLines({ last, failed, delayed: 2, delayedMs: 1300, damaged }, NOW))).toEqual([
      'checkpoint of step 400, 2 s ago: 260 kB, stall 0.4 ms, written in 48 ms',
      '2 checkpoints began late, 1.30 s together: the disk is slow',
      'checkpoint of step 450 failed 1 s ago: No space left on device',
      'checkpoint of step 350 is damaged: state.pt is missing',
    ]);
    expect(checkpointLines(noCheckpoints, NOW)).toEqual([]);
  });
});
