import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { waitFor } from '../../../../src/master/s3/backoff.ts';
import { readS3Config } from '../../../../src/master/s3/config.ts';
import { explain, NoCredentials } from '../../../../src/master/s3/failure.ts';
import { keyOf, parseKey } from '../../../../src/master/s3/keys.ts';
import { Secrets } from '../../../../src/master/s3/secrets.ts';
import { write } from '../../../../src/master/s3/volume.ts';

describe('a key', () => {
  it('is the place in the volume behind the base', () => {
    expect(keyOf('team/job/', 100, 'state.pt')).toBe('team/job/step-00000100/state.pt');
    expect(parseKey('team/job/', 'team/job/step-00000100/state.pt')).toEqual({ step: 100, file: 'state.pt' });
  });

  it('is read back, for every step', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e15 - 1 }), fc.constantFrom('a/', ''), (step, base) => {
        expect(parseKey(base, keyOf(base, step, 'state.pt'))).toEqual({ step, file: 'state.pt' });
      }),
    );
  });

  it.each([
    'team/job-2/step-00000100/state.pt',
    'team/job/journal/journal.jsonl',
    'team/job/step-100/state.pt',
    'team/job/step-000000100/state.pt',
    'team/job/step-00000100/a/b',
    'team/job/step-00000100/',
    'team/job/step-00000100/..',
    'team/job/.bad-step-00000100-1/state.pt',
    'team/job/notes.txt',
    'step-00000100/state.pt',
  ])('%s is not ours', key => expect(parseKey('team/job/', key)).toBeNull());
});

describe('the wait before the next try', () => {
  it('doubles up to its most, and is spread over its second half', () => {
    const waits = [1, 2, 3, 4, 50, 5000].map(n => waitFor({ initialMs: 1000, maxMs: 8000 }, n, 1));
    expect(waits).toEqual([1000, 2000, 4000, 8000, 8000, 8000]);
    expect(waitFor({ initialMs: 1000, maxMs: 8000 }, 3, 0)).toBe(2000);
  });
});

describe('what nobody may read', () => {
  it('is taken out in every form that it could have', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 4, unit: 'grapheme' }), fc.string(), fc.string(), (secret, a, b) => {
        const secrets = new Secrets();
        secrets.add(secret);
        for (const form of [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64')])
          expect(secrets.hide(`${a}${form}${b}`).replaceAll('***', '')).not.toContain(form);
      }),
    );
  });

  it('is also what was made from it', () => {
    const line = 'Credential=AKIAX/20260101/s3, Signature=abc123 X-Amz-Security-Token=tok&x=1';
    expect(new Secrets().hide(line)).toBe('Credential=***, Signature=*** X-Amz-Security-Token=***&x=1');
  });

  it('is nothing that is empty or too short to be secret', () => {
    const secrets = new Secrets();
    secrets.add('', undefined, 'a');
    expect(secrets.hide('a banana')).toBe('a banana');
  });
});

describe('a failure', () => {
  const said = (error: unknown) => explain(error, 's3:9000', text => text);
  const answer = (status: number, name: string, message = name) =>
    Object.assign(new Error(message), { name, $metadata: { httpStatusCode: status } });

  it.each([
    [
      Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }),
      's3:9000: it refuses the connection (ECONNREFUSED)',
    ],
    [
      new AggregateError([Object.assign(new Error('x'), { code: 'ENOTFOUND' })]),
      's3:9000: its name is not known (ENOTFOUND)',
    ],
    [
      Object.assign(new Error('x'), { name: 'TimeoutError' }),
      's3:9000: it does not answer in time (TimeoutError)',
    ],
    [answer(503, 'SlowDown', 'reduce your rate'), 's3:9000 answers 503 SlowDown: reduce your rate'],
    [answer(429, 'TooManyRequests'), 's3:9000 answers 429 TooManyRequests'],
    [new Error('odd'), 's3:9000: odd'],
    ['text', 's3:9000: text'],
  ])('of %s is one to try again', (error, text) =>
    expect(said(error)).toMatchObject({ kind: 'unreachable', text }),
  );

  it.each([
    [answer(403, 'InvalidAccessKeyId'), 's3:9000: it does not know the access key (InvalidAccessKeyId)'],
    [answer(404, 'NoSuchBucket'), 's3:9000: there is no such bucket (NoSuchBucket)'],
    [answer(400, 'Odd', 'what'), 's3:9000 answers 400 Odd: what'],
    [new NoCredentials('no credentials: none', true), 'no credentials: none'],
  ])('of %s is a refusal', (error, text) => expect(said(error)).toMatchObject({ kind: 'refused', text }));

  it('of our own disk names the file', () => {
    const error = Object.assign(new Error('x'), { code: 'ENOSPC', syscall: 'write', path: '/checkpoints/a' });
    expect(said(error)).toMatchObject({ kind: 'local', text: '/checkpoints/a: no space left on the disk' });
  });

  it('of our own disk names the file also where that was open', async () => {
    const full = write('/dev/full', handle => handle.writeFile('x')).catch((error: unknown) => error);
    expect(said(await full)).toMatchObject({ kind: 'local', text: '/dev/full: no space left on the disk' });
  });

  it('shows no part of a secret that is long, or stands where the line is cut', () => {
    const secrets = new Secrets();
    secrets.add('hunter2canary');
    const error = new Error(`${'x'.repeat(280)}hunter2canary`);
    expect(explain(error, 's3:9000', t => secrets.hide(t)).text).not.toContain('hunter2');
  });

  it('is one line without secrets, whatever was thrown', () => {
    const secrets = new Secrets();
    secrets.add('hunter2canary');
    fc.assert(
      fc.property(fc.anything(), fc.string(), (thing, text) => {
        const error = Object.assign(new Error(`${text}hunter2canary\n${text}`), { cause: thing });
        const { text: line } = explain(error, 's3:9000', t => secrets.hide(t));
        expect(line).not.toMatch(/hunter2canary|\n/);
      }),
    );
  });
});

describe('the environment', () => {
  it('asks for no copies where it names no bucket', () => {
    expect(readS3Config({}, 'job')).toBeNull();
  });

  it('names a place of the job’s own', () => {
    const env = {
      FTC_S3_BUCKET: 'runs',
      FTC_S3_PREFIX: 'team/a',
      FTC_S3_PATH_STYLE: 'true',
      FTC_S3_RESTORE_TIMEOUT: '1.5',
    };
    expect(readS3Config(env, 'job')).toMatchObject({
      base: 'team/a/job/',
      pathStyle: true,
      restoreTimeoutMs: 1500,
      keep: null,
      login: { kind: 'keys', id: '' },
    });
    expect(readS3Config({ FTC_S3_BUCKET: 'runs' }, 'job')?.base).toBe('job/');
    expect(() => readS3Config({ FTC_S3_BUCKET: 'runs', FTC_S3_KEEP: 'x' }, 'job')).toThrow('FTC_S3_KEEP');
  });
});
