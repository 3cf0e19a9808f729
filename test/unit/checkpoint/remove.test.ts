import { mkdirSync, openSync, readdirSync, readFileSync, closeSync, rmSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Catalogue } from '../../../src/checkpoint/catalogue.ts';
import { prune, removeCheckpoint } from '../../../src/checkpoint/remove.ts';
import { Folder } from './folder.ts';

let folder: Folder;
let catalogue: Catalogue;
beforeEach(() => {
  folder = new Folder();
  catalogue = new Catalogue(folder.path, 'a-job', { pinEvery: null });
});
afterEach(() => folder.remove());

it('prunes what retention lets go; damaged ones, those set aside, LATEST and the rest stay', async () => {
  for (const step of [1000, 2000, 3000, 4000, 5000, 6000]) folder.write(step);
  rmSync(folder.at('step-00005000/state.pt'));
  folder.latest(1000);
  for (const name of ['journal', '.bad-step-00000500-1', '.tmp-step-00007000-w']) mkdirSync(folder.at(name));
  mkdirSync(folder.at('.tmp-gone-step-00000100-1-1'));
  const gone = await prune(catalogue, { keep: 2, pinEvery: 3000 }, 6000);
  expect(gone.map(row => row.step)).toEqual([2000]);
  expect(readdirSync(folder.path).sort()).toEqual(
    ['.bad-step-00000500-1', '.tmp-step-00007000-w', 'LATEST', 'journal']
      .concat([1000, 3000, 4000, 5000, 6000].map(step => `step-0000${step}`))
      .sort(),
  );
  await expect(prune(catalogue, { keep: 2, pinEvery: 3000 })).resolves.toEqual([]);
});

it('leaves an open file to who reads it', async () => {
  const fd = openSync(`${folder.write(1000)}/state.pt`, 'r');
  await expect(removeCheckpoint(catalogue, 'step-00001000')).resolves.toBe(true);
  expect(readFileSync(fd, 'utf8')).toBe('state of 1000');
  closeSync(fd);
  expect(readdirSync(folder.path)).toEqual([]);
});

it('does not take what LATEST names by now, nor what is gone', async () => {
  folder.write(1000);
  folder.latest(1000);
  await expect(removeCheckpoint(catalogue, 'step-00001000')).resolves.toBe(false);
  await expect(removeCheckpoint(catalogue, 'step-00002000')).resolves.toBe(false);
  expect(readdirSync(folder.path).sort()).toEqual(['LATEST', 'step-00001000']);
});

it('never makes a checkpoint look damaged to who lists them meanwhile', async () => {
  for (let step = 1; step <= 40; step += 1) folder.write(step);
  const over = new AbortController();
  const seen: unknown[] = [];
  const watch = async () => {
    while (!over.signal.aborted)
      seen.push(...(await catalogue.list()).filter(row => row.state === 'damaged'));
  };
  const watching = watch();
  for (const { name } of await catalogue.list()) await removeCheckpoint(catalogue, name);
  over.abort();
  await watching;
  expect(seen).toEqual([]);
});
