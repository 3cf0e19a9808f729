import { once, EventEmitter } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { wording } from '../../../../src/api/wording.ts';
import type { CheckpointPolicy } from '../../../../src/checkpoint/policy.ts';
import { Keeper } from '../../../../src/master/checkpoints/keeper.ts';
import type { CheckpointReport } from '../../../../src/master/checkpoints/tally.ts';
import type { HistoryEntry } from '../../../../src/master/membership/events.ts';
import { Folder } from '../../checkpoint/folder.ts';

let folder: Folder;
let keeper: Keeper;
const told: HistoryEntry[] = [];
const heard = new EventEmitter();
beforeEach(() => {
  folder = new Folder();
  told.length = 0;
});
afterEach(async () => {
  await keeper.close();
  folder.remove();
});

function keep(more: Partial<CheckpointPolicy> = {}, scrubMs = 0): Keeper {
  const policy = { directory: folder.path, every: 10, keep: 3, pinEvery: null, ...more };
  const tell = (entry: HistoryEntry) => {
    told.push(entry);
    heard.emit('told');
  };
  const write = (line: string) => line.includes('checkpoints removed') && heard.emit('removed');
  keeper = new Keeper({ policy, job: 'a-job', scrubMs, log: pino({}, { write }), tell });
  keeper.start();
  return keeper;
}

const report = (step: number, code: string | null = null): CheckpointReport => ({
  type: 'checkpoint',
  step,
  generation: 1,
  ok: code === null,
  bytes: 1,
  stallMs: 1,
  writeMs: 1,
  error: code === null ? null : 'a sentence',
  code,
  serialiseMs: 0,
  fsyncMs: 0,
  delayedMs: 0,
});
const FULL = 'ENOSPC';
/** Whatever was begun is over. */
const settled = () => keeper.manager.alone(() => Promise.resolve());
const steps = () =>
  readdirSync(folder.path)
    .flatMap(name => /^step-0*(\d+)$/.exec(name)?.[1] ?? [])
    .map(Number);
const texts = () => told.map(({ level, fact, step }) => [level, wording(fact, 1), step]);

function rot(step: number): void {
  const path = folder.at(`step-${String(step).padStart(8, '0')}`, 'state.pt');
  const data = readFileSync(path);
  data[0] = (data[0] ?? 0) ^ 4;
  writeFileSync(path, data);
}

it('prunes when something was published', async () => {
  for (const step of [10, 20, 30, 40, 50]) folder.write(step);
  keep({ pinEvery: 20 }).reported(report(50));
  await settled();
  expect(steps()).toEqual([20, 30, 40, 50]);
  expect(told).toEqual([]);
});

it('keeps the last that is known to be valid until a newer one is', async () => {
  for (const step of [10, 20, 30, 40, 50]) folder.write(step);
  keep({ keep: 1 });
  await keeper.manager.verify(20);
  keeper.reported(report(50));
  await settled();
  expect(steps()).toEqual([20, 50]);
  await keeper.close();
  const removed = once(heard, 'removed');
  keep({ keep: 1 }, 1000);
  await removed;
  expect(steps()).toEqual([50]);
});

it('removes nothing before one is known to be whole: a master that starts knows none, and the newer ones may all be rotten', async () => {
  for (const step of [50, 100, 150]) folder.write(step);
  rot(100);
  rot(150);
  keep({ keep: 1 }, 60_000);
  keeper.reported(report(150));
  while (keeper.damaged.length < 2) await new Promise(resolve => setTimeout(resolve, 5));
  await keeper.manager.verify(50);
  keeper.reported(report(150));
  await settled();
  expect(steps()).toEqual([50, 100, 150]);
});

describe('on a full disk', () => {
  it('removes what retention lets go, first', async () => {
    for (const step of [10, 20, 30, 40]) folder.write(step);
    mkdirSync(folder.at('.tmp-gone-step-00000001-1-1'));
    keep().reported(report(50, FULL));
    await settled();
    expect(readdirSync(folder.path)).toEqual(['step-00000020', 'step-00000030', 'step-00000040']);
    expect(texts()).toEqual([
      ['warn', 'the disk is full: the checkpoint of step 10 is removed by the retention rules', null],
    ]);
  });

  it('removes the oldest, one for each that failed, until the last is left; and says so once', async () => {
    for (const step of [10, 20, 30]) folder.write(step);
    keep();
    for (const step of [40, 50, 60, 70]) keeper.reported(report(step, FULL));
    await settled();
    await settled();
    expect(steps()).toEqual([30]);
    const left = 'the newest that is left is of step 30';
    expect(texts()).toEqual([
      ['warn', `the disk is full: the checkpoint of step 10 is removed to make room; ${left}`, null],
      ['warn', `the disk is full: the checkpoint of step 20 is removed to make room; ${left}`, null],
      ['warn', 'the disk is full, and no checkpoint may be removed: that of step 30 is the last', null],
    ]);
    keeper.reported(report(80));
    keeper.reported(report(90, FULL));
    await settled();
    await settled();
    expect(told).toHaveLength(4);
  });

  it('looks first whether what stays is whole', async () => {
    for (const step of [10, 20, 30]) folder.write(step);
    rot(30);
    keep().reported(report(40, FULL));
    await settled();
    expect(steps()).toEqual([20, 30]);
    expect(texts()[0]).toEqual([
      'error',
      'checkpoint of step 30 is damaged: state.pt does not have the SHA-256 of its manifest; the newest that is left is of step 20, not verified yet',
      30,
    ]);
    keeper.reported(report(50, FULL));
    await settled();
    expect(steps()).toEqual([20, 30]);
  });

  it('does not touch what is kept for good, nor anything for another reason', async () => {
    for (const step of [20, 40, 60]) folder.write(step);
    keep({ pinEvery: 20 }).reported(report(70, FULL));
    keeper.reported(report(80, 'EIO'));
    await settled();
    expect(steps()).toEqual([20, 40, 60]);
    expect(texts()).toEqual([
      [
        'warn',
        'the disk is full, and no checkpoint may be removed: of the 3 that are left, 3 are pinned by checkpoint.keepEvery',
        null,
      ],
    ]);
  });
});

it('keeps the best by a metric as well, also on a full disk', async () => {
  for (const step of [10, 20, 30, 40]) folder.write(step, { metrics: { acc: step === 20 ? 0.9 : 0.1 } });
  const keepBest = { metric: 'acc', mode: 'max', keep: 1 } as const;
  keep({ keep: 1, keepBest }).reported(report(40));
  await settled();
  await settled();
  expect(steps()).toEqual([20, 40]);
  keeper.reported(report(50, FULL));
  await settled();
  expect(steps()).toEqual([20, 40]);
  expect(texts().at(-1)?.[1]).toBe(
    'the disk is full, and no checkpoint may be removed: of the 2 that are left, 1 is kept as the best by checkpoint.keepBest',
  );
});

describe('the scrub', () => {
  it('finds rot, tells it once with what is left, and removes nothing', async () => {
    for (const step of [10, 20, 30]) folder.write(step);
    rot(30);
    const first = once(heard, 'told');
    keep({}, 1000);
    await first;
    expect(texts()).toEqual([
      [
        'error',
        'checkpoint of step 30 is damaged: state.pt does not have the SHA-256 of its manifest; the newest that is left is of step 20, not verified yet',
        30,
      ],
    ]);
    expect(keeper.damaged).toEqual([
      { step: 30, problem: 'state.pt does not have the SHA-256 of its manifest' },
    ]);
    await keeper.manager.verify(20);
    rmSync(folder.at('step-00000010/state.pt'));
    keeper.reported(report(30));
    await settled();
    await keeper.manager.list();
    expect(told.slice(1).map(e => wording(e.fact, 1))).toEqual([
      'checkpoint of step 10 is damaged: state.pt is missing; the newest valid one is of step 20',
    ]);
    expect(steps()).toEqual([10, 20, 30]);
  });

  it('does nothing where it is off', async () => {
    folder.write(10);
    rot(10);
    keep({}, 0).reported(report(10));
    await keeper.close();
    expect(await keeper.manager.list()).toMatchObject([{ state: 'unverified' }]);
    expect(told).toEqual([]);
  });
});
