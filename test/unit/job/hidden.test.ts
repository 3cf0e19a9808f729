import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { composeFile } from '../../../compose/render.ts';
import { findHidden, type HiddenPaths, isEnv, withNotes } from '../../../src/job/hidden.ts';
import { resolveJob } from '../../../src/job/resolve.ts';
import type { JobFile } from '../../../src/job/schema.ts';

let folder: string;
beforeEach(() => (folder = realpathSync(mkdtempSync(join(tmpdir(), 'ftctest-hidden-')))));
afterEach(() => rmSync(folder, { recursive: true }));

const write = (...paths: string[]): void => {
  for (const path of paths) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), 'secret');
  }
};
const job = (more: JobFile = {}) =>
  resolveJob([{ name: 'mine', script: join(folder, 'train.py'), ...more }], null);
const find = (more: JobFile = {}, projectDir = folder, most?: number): HiddenPaths =>
  findHidden(job(more), projectDir, most);
const paths = (found: HiddenPaths): string[] => found.script.map(({ path }) => path);

describe('what the script does not see', () => {
  it('is .env in every form, and ftc’s and AWS’s own folders, wherever they lie', () => {
    write(
      'train.py',
      '.env',
      '.env.local',
      'conf/.env.production',
      'a/b/c/.env',
      '.ftc/mine.yaml',
      'home/.aws/credentials',
    );
    write('env', 'x.env', '.envrc/y', '.env.swp', '.env~', 'node_modules/.env', '.git/.env');
    mkdirSync(join(folder, 'sub/.env'), { recursive: true });
    const found = find();
    expect(paths(found)).toEqual([
      '.env',
      '.env.local',
      '.ftc',
      'a/b/c/.env',
      'conf/.env.production',
      'home/.aws',
    ]);
    expect(found.script.find(one => one.path === '.ftc')?.kind).toBe('folder');
    expect(found.complete).toBe(true);
  });

  it('is a credentials file, whatever it is called, and no file elsewhere', () => {
    write('train.py', 'keys', 'deep/shards');
    const s3 = { bucket: 'runs', credentials: join(folder, 'keys') };
    const data = { s3: { credentials: join(folder, 'deep/shards') } };
    expect(paths(find({ checkpoint: { s3 }, data }))).toEqual(['deep/shards', 'keys']);
    expect(paths(find({ checkpoint: { s3: { ...s3, credentials: 'secret:mine' } } }))).toEqual([]);
    expect(paths(find({ checkpoint: { s3: { ...s3, credentials: '/etc/hostname' } } }))).toEqual([]);
  });

  it('is what a link leads to, where that is in the folder', () => {
    write('train.py', 'conf/real');
    symlinkSync(join(folder, 'conf/real'), join(folder, '.env'));
    symlinkSync('/etc/hostname', join(folder, '.env.elsewhere'));
    symlinkSync('/nowhere/at/all', join(folder, '.env.broken'));
    expect(paths(find())).toEqual(['conf/real']);
  });

  it('is found by another way to the folder, and in a dataset that has it too', () => {
    write('train.py', '.env', 'd/.env');
    const link = `${folder}-link`;
    symlinkSync(folder, link);
    try {
      const found = find({ script: join(link, 'train.py'), dataset: join(link, 'd') }, link);
      expect(paths(found)).toEqual(['.env', 'd/.env']);
      expect(found.dataset).toEqual([{ path: '.env', kind: 'file' }]);
    } finally {
      rmSync(link);
    }
  });

  it('is looked for near the script first, and it is known where that is not all', () => {
    write('train.py', '.env', 'z/1', 'z/2', 'z/3', 'z/y/.env');
    const found = find({}, folder, 5);
    expect([paths(found), found.complete]).toEqual([['.env'], false]);
  });

  it('is nothing in a job whose script comes along', () => {
    write('.env');
    expect(find({ script: 'builtin:char-gpt' }).script).toEqual([]);
  });
});

it('what an editor keeps for a moment is no .env', () => {
  expect(['.env', '.env.x', '.env.x.y'].map(isEnv)).toEqual([true, true, true]);
  expect(['.env.example', '.env.sample', '.env.template', '.env.dist'].some(isEnv)).toBe(false);
  expect(['.environment', 'env', '.env.swp', '.env.swo', '.env.x~', '.env.tmp'].some(isEnv)).toBe(false);
});

describe('the workers’ mounts', () => {
  const place = () => ({
    projectDir: folder,
    packageRoot: '/opt/ftc',
    version: '1.2.3',
    user: '10001:10001',
  });

  it('cover it by what is empty and cannot be written, for workers alone', () => {
    write('train.py', '.env', '.ftc/.env', 'a $b/.env');
    const { worker, master } = composeFile(job(), { ...place(), hidden: find() }).services;
    const empty = { type: 'bind', source: '/dev/null', read_only: true, bind: { create_host_path: false } };
    expect((worker['volumes'] as object[]).slice(-3)).toEqual([
      { ...empty, target: '/job/.env' },
      { type: 'tmpfs', target: '/job/.ftc', tmpfs: { size: 4096, mode: 0o555 } },
      { ...empty, target: '/job/a $$b/.env' },
    ]);
    expect(JSON.stringify(master)).not.toContain('/dev/null');
  });

  it('cover ftc’s own folder also where the first start only makes it', () => {
    write('train.py');
    expect(withNotes(find(), job(), folder).script).toEqual([{ path: '.ftc', kind: 'folder' }]);
    mkdirSync(join(folder, '.ftc'));
    expect(withNotes(find(), job(), folder).script).toHaveLength(1);
    expect(withNotes(find(), job(), dirname(folder)).script).toHaveLength(1);
  });
});
