import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
  closeSync,
} from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Folder } from '../../../src/disk/folder.ts';
import { makeOwnFolder, ownFolder, readOwnFile } from '../../../src/disk/own-folder.ts';

const isRoot = process.getuid?.() === 0;
const NOBODY = 65534;
let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ftctest-own-'));
  path = join(directory, '.ftc');
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(directory, { recursive: true });
});

const refused = (text: string) =>
  expect.objectContaining({
    code: 'FTC_NOT_TRUSTED',
    message: expect.stringContaining(text) as string,
  }) as Error;

/** All that can be done with the folder. */
const uses: readonly [string, () => unknown][] = [
  ['exists', () => ownFolder(directory).exists()],
  ['make', () => makeOwnFolder(directory)],
  ['read', () => ownFolder(directory).read('job.yaml')],
  ['write', () => ownFolder(directory).write('job.yaml', 'x')],
  ['create', () => ownFolder(directory).create('job.lock', 'x')],
  ['append', () => ownFolder(directory).append('job.jsonl')],
  ['changedAt', () => ownFolder(directory).changedAt('job.yaml')],
  ['remove', () => ownFolder(directory).remove('job.yaml')],
  ['rename', () => ownFolder(directory).rename('job.yaml', 'other')],
  ['link', () => ownFolder(directory).link('job.yaml', 'other')],
];

describe('what is in .ftc', () => {
  it('is the own user’s alone, whatever the umask, and git does not see it', () => {
    const umask = process.umask(0);
    try {
      makeOwnFolder(directory).write('job.yaml', 'a: 1\n');
      closeSync(ownFolder(directory).append('job.jsonl'));
    } finally {
      process.umask(umask);
    }
    expect(statSync(path).mode & 0o777).toBe(0o700);
    for (const name of ['job.yaml', 'job.jsonl', '.gitignore'])
      expect(statSync(join(path, name)).mode & 0o777).toBe(0o600);
    expect(readdirSync(path).sort()).toEqual(['.gitignore', 'job.jsonl', 'job.yaml']);
    expect(readFileSync(join(path, '.gitignore'), 'utf8')).toBe('*\n');
    expect(ownFolder(directory).read('job.yaml')).toBe('a: 1\n');
  });

  it('is nothing where there is no folder', () => {
    const folder = ownFolder(directory);
    expect([folder.exists(), folder.read('job.yaml'), folder.changedAt('job.yaml')]).toEqual([
      false,
      null,
      null,
    ]);
    folder.remove('job.yaml');
    expect(() => folder.write('job.yaml', 'x')).toThrow('there is no folder');
    expect(existsSync(path)).toBe(false);
  });

  it.each(uses)('is not used where others can write to the folder: %s', (_, use) => {
    mkdirSync(path);
    writeFileSync(join(path, 'job.yaml'), 'planted');
    for (const mode of [0o770, 0o777, 0o1777]) {
      chmodSync(path, mode);
      expect(use).toThrow(refused(`${path} can be written by`));
    }
    expect(readdirSync(path)).toEqual(['job.yaml']);
  });

  it.each(uses)('is not used where the folder is a link: %s', (_, use) => {
    const elsewhere = join(directory, 'elsewhere');
    mkdirSync(elsewhere);
    writeFileSync(join(elsewhere, 'job.yaml'), 'planted');
    symlinkSync(elsewhere, path);
    expect(use).toThrow(refused(`${path} is a link`));
    expect(readdirSync(elsewhere)).toEqual(['job.yaml']);
  });

  it.runIf(isRoot).each(uses)('is not used where the folder is somebody else’s: %s', (_, use) => {
    mkdirSync(path);
    writeFileSync(join(path, 'job.yaml'), 'planted');
    chownSync(path, NOBODY, NOBODY);
    expect(use).toThrow(refused(`${path} belongs to user ${NOBODY}`));
    expect(readdirSync(path)).toEqual(['job.yaml']);
  });

  it('is not used where a file in it is a link, a FIFO, somebody else’s or open to all', () => {
    makeOwnFolder(directory);
    const secret = join(directory, 'secret');
    writeFileSync(secret, 'whole');
    const file = join(path, 'job.yaml');
    const plant: [string, () => void][] = [
      ['is a link', () => symlinkSync(secret, file)],
      ['is not a regular file', () => void execFileSync('sh', ['-c', 'mkfifo "$1"', 'sh', file])],
      ['every user', () => (writeFileSync(file, 'planted'), chmodSync(file, 0o666))],
    ];
    if (isRoot) plant.push(['belongs to user', () => (writeFileSync(file, ''), chownSync(file, NOBODY, 0))]);
    for (const [why, make] of plant) {
      make();
      expect(() => ownFolder(directory).read('job.yaml'), why).toThrow(refused(why));
      expect(() => ownFolder(directory).append('job.yaml'), why).toThrow(refused(why));
      rmSync(file);
    }
    expect(readFileSync(secret, 'utf8')).toBe('whole');
  });

  it('replaces a link by what it writes, and does not follow it', () => {
    makeOwnFolder(directory);
    const victim = join(directory, 'victim');
    writeFileSync(victim, 'whole');
    for (const target of [victim, join(directory, 'not-there')]) {
      symlinkSync(target, join(path, 'job.yaml'));
      expect(() => ownFolder(directory).create('job.yaml', 'x')).toThrow('EEXIST');
      ownFolder(directory).write('job.yaml', 'ours');
      expect(lstatSync(join(path, 'job.yaml')).isFile()).toBe(true);
      rmSync(join(path, 'job.yaml'));
    }
    expect(readFileSync(victim, 'utf8')).toBe('whole');
    expect(existsSync(join(directory, 'not-there'))).toBe(false);
  });

  it.each(['../up', '/etc/passwd', '..', '.', 'a/b', 'a\0b', ''])('is no path: %j', name => {
    const folder = makeOwnFolder(directory);
    const error = expect.objectContaining({ code: 'FTC_USAGE' }) as Error;
    for (const use of [
      () => folder.read(name),
      () => folder.write(name, 'x'),
      () => folder.create(name, 'x'),
      () => folder.append(name),
      () => folder.remove(name),
      () => folder.rename('.gitignore', name),
      () => folder.link('.gitignore', name),
    ])
      expect(use).toThrow(error);
    expect(readdirSync(directory)).toEqual(['.ftc']);
  });

  it.runIf(process.platform === 'linux')('stays where it is when its folder is swapped for another', () => {
    const elsewhere = join(directory, 'elsewhere');
    mkdirSync(elsewhere);
    // The moment after the look and before the write: as whoever owns the folder above could use it.
    const folder = new Folder(path, {
      check(entry) {
        if (!entry.isDirectory()) return;
        renameSync(path, `${path}-moved`);
        symlinkSync(elsewhere, path);
      },
    });
    mkdirSync(path);
    folder.write('job.yaml', 'ours');
    expect(readdirSync(elsewhere)).toEqual([]);
    expect(readFileSync(join(`${path}-moved`, 'job.yaml'), 'utf8')).toBe('ours');
  });

  it.runIf(isRoot)('is theirs who called sudo, where the folder around it is', () => {
    vi.stubEnv('SUDO_UID', '1234');
    vi.stubEnv('SUDO_GID', '567');
    makeOwnFolder(directory);
    expect(statSync(path).uid).toBe(0);
    rmSync(path, { recursive: true });
    chownSync(directory, 1234, 567);
    const folder = makeOwnFolder(directory);
    folder.write('job.yaml', 'x');
    for (const one of [path, join(path, 'job.yaml'), join(path, '.gitignore')])
      expect(statSync(one)).toMatchObject({ uid: 1234, gid: 567 });
    const fd = folder.append('job.jsonl');
    writeSync(fd, 'y');
    closeSync(fd);
    expect(folder.read('job.jsonl')).toBe('y');
    expect(statSync(join(path, 'job.jsonl'))).toMatchObject({ uid: 1234, gid: 567 });
  });
});

it('a Compose file that others could have written is not rendered', () => {
  const file = join(directory, 'compose.yaml');
  expect(readOwnFile(directory, 'compose.yaml')).toBeNull();
  writeFileSync(file, 'services: {}');
  chmodSync(file, 0o644);
  expect(readOwnFile(directory, 'compose.yaml')).toBe('services: {}');
  chmodSync(file, 0o666);
  expect(() => readOwnFile(directory, 'compose.yaml')).toThrow(refused('every user'));
});
