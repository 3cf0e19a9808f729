import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readStored, whoIsHere, writeRecord } from '../../../src/client/job-record.ts';
import type { LoadedJob } from '../../../src/job/load.ts';

let root: string;
beforeEach(() => (root = realpathSync(mkdtempSync(join(tmpdir(), 'ftctest-record-')))));
afterEach(() => rmSync(root, { recursive: true }));

const loaded = (folder: string, script = 'train.py'): LoadedJob =>
  ({ job: { name: 'exp', script: join(folder, script) }, projectDir: folder }) as LoadedJob;
function started(folder: string): void {
  mkdirSync(folder, { recursive: true });
  writeRecord('exp', { id: 'one', folder, script: 'train.py' });
}

it('moves along with the folder, and tells a copy', async () => {
  started(join(root, 'a'));
  cpSync(join(root, 'a'), join(root, 'copy'), { recursive: true });
  expect(await whoIsHere(loaded(join(root, 'a')))).toMatchObject({ record: { id: 'one' }, copied: false });
  expect(await whoIsHere(loaded(join(root, 'copy')))).toMatchObject({ record: { id: 'one' }, copied: true });

  renameSync(join(root, 'a'), join(root, 'b'));
  const moved = await whoIsHere(loaded(join(root, 'b'), 'sub/other.py'));
  expect(moved).toMatchObject({ folder: join(root, 'b'), script: 'sub/other.py', copied: false });
});

it('is the same by a link to the folder', async () => {
  started(join(root, 'a'));
  symlinkSync(join(root, 'a'), join(root, 'way'));
  expect(await whoIsHere(loaded(join(root, 'way')))).toMatchObject({
    folder: join(root, 'a'),
    script: 'train.py',
    copied: false,
  });
});

it('finds traces of a job that was started before there were records', async () => {
  expect((await whoIsHere(loaded(root))).traces).toBe(false);
  writeFileSync(join(root, 'docker-compose.yml'), 'labels:\n  io.ftc.job: exp-2\n');
  expect((await whoIsHere(loaded(root))).traces).toBe(false);
  writeFileSync(join(root, 'docker-compose.yml'), 'labels:\n  io.ftc.job: exp\n');
  expect((await whoIsHere(loaded(root))).traces).toBe(true);
});

it('neither reads nor writes through a link', async () => {
  started(root);
  const file = join(root, '.ftc/exp.job.json');
  const target = join(root, 'target');
  renameSync(file, target);
  symlinkSync(target, file);
  expect(await readStored(file)).toBeNull();
  const before = readFileSync(target, 'utf8');
  writeRecord('exp', { id: 'two', folder: root, script: 'x.py' });
  expect(readFileSync(target, 'utf8')).toBe(before);
  expect(await readStored(file)).toMatchObject({ id: 'two' });
});

it.each(['', '{', '{"id":1}', '[]', 'x'.repeat(100_000)])('takes %j for no record', async text => {
  mkdirSync(join(root, '.ftc'));
  writeFileSync(join(root, '.ftc/exp.job.json'), text);
  expect((await whoIsHere(loaded(root))).record).toBeNull();
  expect(existsSync(join(root, '.ftc/exp.job.json'))).toBe(true);
});
