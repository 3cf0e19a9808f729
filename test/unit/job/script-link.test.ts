import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { loadJob } from '../../../src/job/load.ts';
import { leadsOut } from '../../../src/job/script-link.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ftctest-link-'));
  chmodSync(folder, 0o755);
  mkdirSync(join(folder, 'exp/versions'), { recursive: true });
  mkdirSync(join(folder, 'common'));
  for (const file of ['exp/plain.py', 'exp/versions/v3.py', 'common/train.py'])
    writeFileSync(join(folder, file), '');
});
afterEach(() => rmSync(folder, { recursive: true }));

it.each([
  ['plain.py', false],
  ['versions/v3.py', false],
  ['./versions/../versions//v3.py', false],
  ['again.py', false],
  ['inner/v3.py', false],
  ['../common/train.py', true],
  // Back into the same folder, by a name that it does not have in the container.
  ['../exp/versions/v3.py', true],
  ['versions/../../common/train.py', true],
  ['outer/train.py', true],
  ['train.py', true],
])('a link to %s leads out of its folder: %s', (target, out) => {
  const exp = join(folder, 'exp');
  symlinkSync('versions', join(exp, 'inner'));
  symlinkSync('../common', join(exp, 'outer'));
  symlinkSync('versions/v3.py', join(exp, 'again.py'));
  symlinkSync(target, join(exp, 'train.py'));
  expect(leadsOut(join(exp, 'train.py'))).toBe(out);
});

it('an absolute link leads out, wherever it leads: the container has no such path', () => {
  symlinkSync(join(folder, 'exp/plain.py'), join(folder, 'exp/train.py'));
  expect(leadsOut(join(folder, 'exp/train.py'))).toBe(true);
});

it('such a script is refused before anything starts, and the place it leads to is named', () => {
  symlinkSync('../common/train.py', join(folder, 'exp/train.py'));
  expect(() => loadJob({ script: 'exp/train.py' }, {}, folder)).toThrow(
    expect.objectContaining({
      code: 'FTC_SCRIPT_MISSING',
      message: expect.stringContaining(
        'exp/train.py is a link that leads out of its folder, to common/train.py',
      ) as string,
      hint: expect.stringContaining('--script "common/train.py"') as string,
    }) as Error,
  );
  symlinkSync('common', join(folder, 'way'));
  expect(loadJob({ script: 'way/train.py' }, {}, folder).job.script).toBe(join(folder, 'way/train.py'));
});
