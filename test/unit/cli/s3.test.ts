import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { s3Login } from '../../../src/cli/s3-login.ts';
import { s3Line, s3Rest } from '../../../src/cli/view/s3.ts';
import type { JobFlags } from '../../../src/job/sources.ts';
import { loadJob } from '../../../src/job/load.ts';
import type { S3Status } from '../../../src/api/s3.ts';

const status = (more: Partial<S3Status>): S3Status => ({
  target: 's3://runs/job',
  state: 'ok',
  backlogSteps: 0,
  backlogBytes: 0,
  uploading: null,
  uploadedStep: null,
  restoredStep: null,
  newerStep: null,
  lastError: null,
  nextTryAt: null,
  ...more,
});
const line = (more: Partial<S3Status>): string | null => {
  const text = s3Line(status(more), 10_000);
  return text === null ? null : stripVTControlCharacters(text);
};

describe('how the copies stand, in one line', () => {
  it.each<[Partial<S3Status>, string | null]>([
    [{}, null],
    [{ uploadedStep: 100 }, 'S3: step 100 is there'],
    [{ restoredStep: 50 }, 'S3: step 50 is restored'],
    [
      { uploadedStep: 50, backlogSteps: 2, backlogBytes: 3_400_000 },
      'S3: step 50 is there, 2 checkpoints to copy (3.4 MB)',
    ],
    [
      {
        backlogSteps: 1,
        backlogBytes: 10,
        lastError: 's3:9000: it refuses the connection',
        nextTryAt: 14_000,
      },
      'S3: 1 checkpoint to copy (10 B), s3:9000: it refuses the connection, tries again in 4.00 s',
    ],
    [{ lastError: 'no', nextTryAt: 9_000 }, 'S3: no, tries again'],
    [{ newerStep: 900 }, 'S3: it holds step 900, which is newer'],
  ])('%o', (more, text) => expect(line(more)).toBe(text));

  it('is nothing where nothing was asked for', () => expect(s3Line(null, 0)).toBeNull());

  it('at the end says only what is missing there', () => {
    expect(s3Rest(null) ?? s3Rest(status({ uploadedStep: 9 }))).toBeNull();
    expect(s3Rest(status({ backlogSteps: 1, lastError: 'no' }))).toContain(
      '1 of its checkpoints is not there yet (no); the master continues to copy until "ftc down"',
    );
  });
});

describe('the login, before anything starts', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ftctest-login-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const login = (said: JobFlags, env = {}) => s3Login(loadJob(said, {}, folder), env);

  it('is looked for only where it is needed', () => expect(login({})).toBeNull());

  it('is in the environment, or in .env as Compose reads it', () => {
    const all = { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' };
    expect(login({ s3Bucket: 'runs' }, all)).toBeNull();
    expect(login({ s3Bucket: 'runs' })).toMatch(/AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set/);
    writeFileSync(join(folder, '.env'), 'AWS_ACCESS_KEY_ID=hunter2canary\n');
    const text = login({ s3Bucket: 'runs' });
    expect(text).toMatch(/no credentials for S3: AWS_SECRET_ACCESS_KEY is not set/);
    expect(text).not.toContain('hunter2canary');
  });

  it('cannot be the secret of a file that "ftc up" does not read', () => {
    expect(() => login({ s3Bucket: 'runs', s3Credentials: 'secret:mine' })).toThrow(
      'checkpoint.s3.credentials is the Compose secret "mine"',
    );
  });
});
