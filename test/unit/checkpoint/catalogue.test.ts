import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Catalogue } from '../../../src/checkpoint/catalogue.ts';
import { CHUNK } from '../../../src/checkpoint/hash.ts';
import { Folder, manifestOf } from './folder.ts';

let folder: Folder;
let catalogue: Catalogue;
beforeEach(() => {
  folder = new Folder();
  catalogue = new Catalogue(folder.path, 'a-job', { pinEvery: 2000 });
});
afterEach(() => folder.remove());

const states = async () => (await catalogue.list()).map(({ step, state, problem }) => [step, state, problem]);

describe('what is no plain file', () => {
  it('keeps nobody waiting, and takes no memory', async () => {
    for (const step of [1000, 2000, 3000, 4000, 5000, 6000]) {
      rmSync(folder.write(step) + '/manifest.json');
      execFileSync('mkfifo', [folder.at(`step-0000${step}/manifest.json`)]);
    }
    rmSync(folder.write(7000) + '/manifest.json');
    mkdirSync(folder.at('step-00007000/manifest.json'));
    rmSync(folder.write(8000) + '/manifest.json');
    writeFileSync(folder.at('step-00008000/manifest.json'), '');
    truncateSync(folder.at('step-00008000/manifest.json'), 2 ** 40);
    symlinkSync('/dev/zero', folder.at('LATEST'));
    const odd = 'manifest.json is no plain file';
    await expect(states()).resolves.toEqual([
      [8000, 'damaged', 'manifest.json has 1099511627776 bytes'],
      ...[7000, 6000, 5000, 4000, 3000, 2000, 1000].map(step => [step, 'damaged', odd]),
    ]);
    await expect(catalogue.latest()).resolves.toBeNull();
    rmSync(folder.at('LATEST'));
    execFileSync('mkfifo', [folder.at('LATEST')]);
    await expect(catalogue.latest()).resolves.toBeNull();
    // Every thread for files is still free.
    await expect(catalogue.list()).resolves.toHaveLength(8);
  });
});

describe('the list', () => {
  it('of a folder that is not there is empty', async () => {
    await expect(new Catalogue(folder.at('none'), 'a-job', { pinEvery: null }).list()).resolves.toEqual([]);
  });

  it('has the newest first, those set aside too, and nothing that is no checkpoint', async () => {
    folder.write(1000);
    folder.write(2000);
    folder.latest(2000);
    renameSync(folder.write(1500), folder.at('.bad-step-00001500-1'));
    folder.write(1500);
    const others = [
      '.tmp-step-00003000-x',
      '.tmp-gone-step-00000500-1-1',
      'journal',
      'step-12',
      'step-000001000',
    ];
    for (const name of [...others, 'step-00001000-1', '.bad-other-1']) mkdirSync(folder.at(name));
    writeFileSync(folder.at('step-00004000'), 'a file');
    const common = { generation: 4, createdAt: '2026-01-01T00:00:00.000Z', checkedAt: null, problem: null };
    const row = (step: number, more: object = {}) => ({
      ...common,
      step,
      name: `step-0000${step}`,
      bytes: 13 + JSON.stringify(manifestOf(step, `state of ${step}`)).length,
      state: 'unverified',
      latest: false,
      pinned: false,
      metrics: {},
      score: null,
      best: false,
      ...more,
    });
    await expect(catalogue.list()).resolves.toEqual([
      row(2000, { latest: true, pinned: true }),
      row(1500),
      row(1500, { name: '.bad-step-00001500-1', state: 'aside' }),
      row(1000),
    ]);
  });

  it('tells what is wrong without reading the data', async () => {
    const manifest = (step: number) => folder.at(`step-000${step}`, 'manifest.json');
    folder.write(10000);
    writeFileSync(manifest(10000), '{"format": 1,');
    folder.write(20000, { format: 2 });
    const bytes = { bytes: 3, sha256: 'a'.repeat(64) };
    folder.write(30000, { files: { 'state.pt': bytes } }, 'ab');
    rmSync(folder.write(40000) + '/state.pt');
    rmSync(folder.write(50000) + '/manifest.json');
    folder.write(60000, { job: 'another' });
    folder.write(70000, { step: 7 });
    folder.write(80000);
    writeFileSync(manifest(80000), '');
    rmSync(folder.write(90000) + '/state.pt');
    symlinkSync('/etc/hostname', folder.at('step-00090000/state.pt'));
    rmSync(folder.write(95000) + '/manifest.json');
    symlinkSync('/etc/hostname', manifest(95000));
    const bad = (step: number, problem: string) => [step, 'damaged', problem];
    await expect(states()).resolves.toEqual([
      bad(95000, 'manifest.json is no plain file'),
      bad(90000, 'state.pt is missing'),
      bad(80000, 'manifest.json is empty'),
      bad(70000, 'its manifest is of step 7'),
      bad(60000, 'it belongs to the job "another"'),
      bad(50000, 'manifest.json is missing'),
      bad(40000, 'state.pt is missing'),
      bad(30000, 'state.pt has 2 bytes instead of 3'),
      bad(20000, 'manifest.json has format 2, and 1 is known'),
      bad(10000, 'manifest.json is not JSON'),
    ]);
  });
});

describe('verifying', () => {
  const large = Buffer.alloc(3 * CHUNK + 17, 'state');

  it('reads every file whole, and the result is listed', async () => {
    folder.write(1000, {}, large);
    const before = Date.now();
    const read: number[] = [];
    const row = await catalogue.verify(1000, { onRead: bytes => read.push(bytes) });
    expect(row).toMatchObject({ step: 1000, state: 'valid', problem: null });
    expect(row?.checkedAt).toBeGreaterThan(before - 1000);
    expect(read).toEqual([CHUNK, CHUNK, CHUNK, 17]);
    await expect(catalogue.list()).resolves.toEqual([row]);
  });

  it.each([0, CHUNK, large.length - 1])('finds one flipped bit in byte %i', async at => {
    const path = `${folder.write(1000, {}, large)}/state.pt`;
    const rotten = Buffer.from(large);
    rotten[at] = (rotten[at] ?? 0) ^ 1;
    writeFileSync(path, rotten);
    const problem = 'state.pt does not have the SHA-256 of its manifest';
    await expect(catalogue.verify(1000)).resolves.toMatchObject({ state: 'damaged', problem });
    await expect(states()).resolves.toEqual([[1000, 'damaged', problem]]);
  });

  it('holds until a file is written to, or replaced', async () => {
    const path = folder.write(1000);
    await catalogue.verify(1000);
    await expect(states()).resolves.toEqual([[1000, 'valid', null]]);
    utimesSync(`${path}/state.pt`, 1, 1);
    await expect(states()).resolves.toEqual([[1000, 'unverified', null]]);
    await catalogue.verify(1000);
    rmSync(path, { recursive: true });
    folder.write(1000, { generation: 5 });
    await expect(states()).resolves.toEqual([[1000, 'unverified', null]]);
  });

  it('of one that is replaced while it is read is of the one that took its place', async () => {
    const path = folder.write(1000, {}, large);
    let replaced = false;
    const onRead = () => {
      if (replaced) return;
      replaced = true;
      renameSync(path, folder.at('.tmp-old'));
      folder.write(1000, { generation: 5 }, large.subarray(CHUNK));
      appendFileSync(folder.at('.tmp-old/state.pt'), 'x');
    };
    await expect(catalogue.verify(1000, { onRead })).resolves.toMatchObject({
      state: 'valid',
      generation: 5,
    });
  });

  it('of one that is removed while it is read finds none, and nothing damaged', async () => {
    const path = folder.write(1000, {}, large);
    const onRead = () => rmSync(path, { recursive: true, force: true });
    await expect(catalogue.verify(1000, { onRead })).resolves.toBeNull();
    await expect(catalogue.verify(2000)).resolves.toBeNull();
  });

  it('can be given up, which tells nothing about the checkpoint', async () => {
    folder.write(1000, {}, large);
    const stop = new AbortController();
    const verifying = catalogue.verify(1000, { signal: stop.signal, onRead: () => stop.abort() });
    await expect(verifying).rejects.toMatchObject({ name: 'AbortError' });
    await expect(states()).resolves.toEqual([[1000, 'unverified', null]]);
  });

  it('does without a LATEST that names something that is there', async () => {
    folder.write(1000);
    writeFileSync(folder.at('LATEST'), 'step-00009000\n');
    await expect(catalogue.list()).resolves.toMatchObject([{ step: 1000, latest: false }]);
  });
});

it('marks the best, and tells their metrics', async () => {
  const keepBest = { metric: 'acc', mode: 'max', keep: 2 } as const;
  catalogue = new Catalogue(folder.path, 'a-job', { pinEvery: null, keepBest });
  folder.write(1, { metrics: { acc: 0.5, lr: 1 } });
  folder.write(2, { metrics: { acc: 0.9 } });
  folder.write(3);
  writeFileSync(`${folder.write(4, { metrics: { acc: 0.99 } })}/state.pt`, 'short');
  folder.write(5, { metrics: { acc: 0.4 } });
  expect((await catalogue.list()).map(r => [r.step, r.metrics, r.score?.value ?? null, r.best])).toEqual([
    [5, { acc: 0.4 }, 0.4, false],
    [4, { acc: 0.99 }, 0.99, false],
    [3, {}, null, false],
    [2, { acc: 0.9 }, 0.9, true],
    [1, { acc: 0.5, lr: 1 }, 0.5, true],
  ]);
  await expect(catalogue.verify(2)).resolves.toMatchObject({ state: 'valid', best: true });
  catalogue = new Catalogue(folder.path, 'a-job', { pinEvery: null });
  expect((await catalogue.list()).map(r => [r.score, r.best])).toEqual(Array(5).fill([null, false]));
});
