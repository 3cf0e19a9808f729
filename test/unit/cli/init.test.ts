import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { run } from '../../../src/cli/init.ts';
import { loadJob } from '../../../src/job/load.ts';

let folder: string;
beforeEach(() => {
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  folder = mkdtempSync(join(tmpdir(), 'ftctest-init-'));
  chmodSync(folder, 0o755);
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

it('writes a job that loads, of a script that the workers can read', async () => {
  const umask = process.umask(0o077);
  try {
    await run({ dir: join(folder, 'My Job') });
  } finally {
    process.umask(umask);
  }
  const { job } = loadJob({}, {}, join(folder, 'My Job'));
  expect(job).toMatchObject({
    name: 'my-job',
    script: join(folder, 'My Job/train.py'),
    length: { steps: 1500 },
  });
  expect(statSync(join(folder, 'My Job')).mode & 0o777).toBe(0o755);
  expect(readFileSync(join(folder, 'My Job/ftc.yaml'), 'utf8')).toMatch(
    /^# yaml-language-server: \$schema=https:\/\/.*\/schema\/ftc\.schema\.json\n/,
  );
});

it.each(['ftc.yaml', 'ftc.yml', 'train.py'])('overwrites nothing: %s', async name => {
  writeFileSync(join(folder, name), 'mine');
  await expect((async () => run({ dir: folder }))()).rejects.toMatchObject({
    code: 'FTC_FILE_EXISTS',
    exitCode: 6,
    message: `${join(folder, name)} exists already; nothing was written`,
  });
  expect(readdirSync(folder)).toEqual([name]);
  expect(readFileSync(join(folder, name), 'utf8')).toBe('mine');
});

it('does not write through a link that leads nowhere yet', async () => {
  symlinkSync(join(folder, 'elsewhere'), join(folder, 'train.py'));
  await expect((async () => run({ dir: folder }))()).rejects.toMatchObject({ code: 'FTC_FILE_EXISTS' });
  expect(readdirSync(folder)).toEqual(['train.py']);
});
