import { mkdirSync, mkdtempSync, realpathSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { jobName } from '../../../src/cli/job-name.ts';
import { saveProject } from '../../../src/runtime/docker/job/saved-project.ts';

const USUAL = 'fashion-mnist';
let root: string;
let folder: string;
beforeEach(() => {
  vi.stubEnv('JOB_ID', '');
  root = realpathSync(mkdtempSync(join(tmpdir(), 'ftctest-name-')));
  folder = join(root, "My Exp #1 (ünï'code)");
  mkdirSync(folder);
  vi.spyOn(process, 'cwd').mockReturnValue(folder);
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  rmSync(root, { recursive: true });
});

const started = (name: string): void => saveProject({ name, directory: folder, yaml: '', variables: {} });

it('a job that a script named, in a folder without a job file, is found again by the folder', () => {
  expect(jobName({})).toBe(USUAL);
  started('my-exp-1-n-code');
  expect(jobName({})).toBe('my-exp-1-n-code');
  expect(jobName({ script: 'builtin:char-gpt' })).toBe('char-gpt');
  expect(jobName({ name: 'other' })).toBe('other');
});

it('of that and the usual one, it is the one that was started last', () => {
  for (const name of ['my-exp-1-n-code', USUAL]) started(name);
  utimesSync(join(folder, '.ftc', `${USUAL}.yaml`), 1, 1);
  expect(jobName({})).toBe('my-exp-1-n-code');
  utimesSync(join(folder, '.ftc', 'my-exp-1-n-code.yaml'), 0, 0);
  expect(jobName({})).toBe(USUAL);
});
