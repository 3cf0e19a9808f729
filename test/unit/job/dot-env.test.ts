import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { dotEnv, dotEnvFor } from '../../../src/job/dot-env.ts';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'ftctest-env-'))));
afterEach(() => rmSync(folder, { recursive: true }));
const write = (text: string | Buffer): void => writeFileSync(join(folder, '.env'), text);

it('gives the variables that ftc documents, and no other', () => {
  write(
    'COMPOSE_FILE=mine.yml\nPASSWORD=secret\nJOB_ID=x\nFTC_BASE_IMAGE="debian:13"\nAWS_ACCESS_KEY_ID=a\nFTC_S3_PORT=\n',
  );
  expect(dotEnv(folder)).toEqual({ FTC_BASE_IMAGE: 'debian:13', AWS_ACCESS_KEY_ID: 'a' });
});

it('gives a project what its file mentions, unless the environment has it', () => {
  write('FTC_BASE_IMAGE=debian:13\nAWS_ACCESS_KEY_ID=a\nAWS_SECRET_ACCESS_KEY=b\n');
  const yaml = 'environment:\n  AWS_ACCESS_KEY_ID: null\n  AWS_SECRET_ACCESS_KEY: null\n';
  expect(dotEnvFor(folder, yaml, { AWS_ACCESS_KEY_ID: 'shell' })).toEqual({ AWS_SECRET_ACCESS_KEY: 'b' });
});

it('has none in a file that is broken, binary, too large, a folder, a pipe, or not there', () => {
  expect(dotEnv(folder)).toEqual({});
  for (const text of [
    '=x\n"',
    'a b c\n${',
    Buffer.from([0, 255, 254, 10]),
    'FTC_BASE_IMAGE=x\n'.repeat(100_000),
  ]) {
    write(text);
    expect(dotEnv(folder)).toEqual({});
  }
  rmSync(join(folder, '.env'));
  mkdirSync(join(folder, '.env'));
  expect(dotEnv(folder)).toEqual({});
  if (process.platform === 'win32') return;
  rmSync(join(folder, '.env'), { recursive: true });
  execFileSync('sh', ['-c', 'mkfifo "$1"', 'sh', join(folder, '.env')]);
  expect(dotEnv(folder)).toEqual({});
});
