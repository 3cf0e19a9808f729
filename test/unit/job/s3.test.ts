import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FtcError } from '../../../src/errors.ts';
import { loadJob } from '../../../src/job/load.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ftctest-s3-'));
  chmodSync(folder, 0o755);
});
afterEach(() => rmSync(folder, { recursive: true }));

const load = (s3: string, env = {}, flags = {}) => {
  writeFileSync(join(folder, 'ftc.yaml'), `checkpoint:\n  s3: ${s3}\n`);
  return loadJob(flags, env, folder).job.checkpoint.s3;
};
const problem = (s3: string, env = {}): FtcError => {
  try {
    load(s3, env);
  } catch (error) {
    return error as FtcError;
  }
  throw new Error('nothing was found wrong');
};

describe('checkpoint.s3', () => {
  it('is AWS with a bucket alone', () => {
    expect(load('{bucket: runs}')).toEqual({
      endpoint: null,
      bucket: 'runs',
      prefix: '',
      region: 'us-east-1',
      pathStyle: false,
      keep: null,
      keepEvery: null,
      restoreTimeout: 60_000,
      credentials: null,
      caBundle: null,
    });
    expect(load('null')).toBeNull();
  });

  it('says all that there is to say', () => {
    writeFileSync(join(folder, 'keys'), '', { mode: 0o644 });
    const said =
      '{endpoint: "http://s3:9000", bucket: my.runs, prefix: team/a, region: eu-west-1, keep: 5, keepEvery: 10, restoreTimeout: 2m, credentials: keys}';
    expect(load(said)).toEqual({
      endpoint: 'http://s3:9000',
      bucket: 'my.runs',
      prefix: 'team/a',
      region: 'eu-west-1',
      pathStyle: true,
      keep: 5,
      keepEvery: 10,
      restoreTimeout: 120_000,
      credentials: join(folder, 'keys'),
      caBundle: null,
    });
    expect(load('{bucket: runs, endpoint: "https://s3.example.com", pathStyle: false}')?.pathStyle).toBe(
      false,
    );
  });

  it('can be asked for, or changed, by the environment and the command line', () => {
    expect(loadJob({}, { FTC_S3_BUCKET: 'runs' }, folder).job.checkpoint.s3).toMatchObject({
      bucket: 'runs',
    });
    const flags = { s3Bucket: 'flag', s3Endpoint: 'http://s3:9000' };
    const job = load('{bucket: file, region: eu-west-1}', { FTC_S3_BUCKET: 'env', FTC_S3_KEEP: '7' }, flags);
    expect(job).toMatchObject({ bucket: 'flag', keep: 7, region: 'eu-west-1', pathStyle: true });
    expect(() => loadJob({}, { FTC_S3_KEEP: 'many', FTC_S3_BUCKET: 'runs' }, folder)).toThrow(
      'FTC_S3_KEEP must be a whole number from 1 to 10000',
    );
  });

  it.each([
    ['{region: eu-west-1}', 'ftc.yaml:2:7: checkpoint.s3 names no bucket'],
    ['{bucket: A}', 'ftc.yaml:2:16: checkpoint.s3.bucket must be a bucket: 3 to 63'],
    ['{bucket: abc, endpoint: s3}', 'ftc.yaml:2:31: checkpoint.s3.endpoint must be a URL'],
    ['{bucket: abc, endpoint: "ftp://s3"}', 'must be a URL such as "http://s3:9000", not "ftp://s3"'],
    ['{bucket: abc, endpoint: "http://s3/?x=1"}', 'must be a URL'],
    ['{bucket: abc, endpoint: "http://$HOST"}', 'must be a URL'],
    ['{bucket: abc, prefix: /a}', 'checkpoint.s3.prefix must be a path'],
    ['{bucket: abc, prefix: a/../b}', 'checkpoint.s3.prefix must be a path'],
    ['{bucket: abc, keep: 0}', 'checkpoint.s3.keep must be a whole number from 1'],
    ['{bucket: abc, restoreTimeout: 1ms}', 'checkpoint.s3.restoreTimeout must be a duration'],
    ['{bucket: abc, credentials: "secret:a b"}', 'checkpoint.s3.credentials must be a path, or "secret:"'],
    ['{bucket: abc, buckt: a}', 'checkpoint.s3.buckt is no key of a job file; did you mean "bucket"?'],
  ])('is named with its place when it is wrong: %s', (s3, message) => {
    expect(problem(s3)).toMatchObject({
      code: 'FTC_JOB_FILE',
      message: expect.stringContaining(message) as string,
    });
  });

  it.each(['http://me:hunter2canary@s3:9000', 'http://hunter2canary@s3', 'http://hunter2canary@'])(
    'refuses credentials in the URL %s, and does not repeat them',
    url => {
      const wrong = [
        problem(`{bucket: abc, endpoint: "${url}"}`),
        problem('{bucket: abc}', { FTC_S3_ENDPOINT: url }),
      ];
      for (const error of wrong) {
        expect(error.message).toContain('holds a user or password: take it out of the URL');
        expect(JSON.stringify([error.message, error.hint])).not.toContain('hunter2canary');
      }
    },
  );

  it('needs its credentials file, readable for who runs in the containers', () => {
    expect(problem('{bucket: abc, credentials: keys}')).toMatchObject({
      code: 'FTC_USAGE',
      message: 'checkpoint.s3.credentials keys does not exist',
    });
    writeFileSync(join(folder, 'keys'), '', { mode: 0o600 });
    if (process.platform === 'linux')
      expect(problem('{bucket: abc, credentials: keys}')).toMatchObject({
        message: 'the containers cannot read checkpoint.s3.credentials keys',
        hint: expect.stringContaining('setfacl -m u:10001:r "keys"') as string,
      });
    expect(load('{bucket: abc, credentials: "secret:mine"}')?.credentials).toBe('secret:mine');
  });

  describe('caBundle', () => {
    const pem = '-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n';
    const write = (text: string, mode = 0o644) => {
      rmSync(join(folder, 'ca.pem'), { force: true });
      writeFileSync(join(folder, 'ca.pem'), text, { mode });
    };
    const here = () => join(folder, 'ca.pem');

    it('is a file beside the job file, of the command line or of the environment', () => {
      write(pem);
      expect(load('{bucket: abc, caBundle: ca.pem}')?.caBundle).toBe(here());
      expect(load('{bucket: abc}', {}, { s3CaBundle: 'ca.pem' })?.caBundle).toBe(here());
      expect(load('{bucket: abc}', { FTC_S3_CA_BUNDLE: 'ca.pem' })?.caBundle).toBe(here());
    });

    it('is what AWS_CA_BUNDLE says where nothing else is said, for connections by TLS', () => {
      write(pem);
      const env = { AWS_CA_BUNDLE: 'ca.pem' };
      expect(load('{bucket: abc}', env)?.caBundle).toBe(here());
      expect(load('{bucket: abc, endpoint: "https://s3.local"}', env)?.caBundle).toBe(here());
      expect(load('{bucket: abc, endpoint: "http://s3:9000"}', env)?.caBundle).toBeNull();
      expect(load('null', env)).toBeNull();
      writeFileSync(join(folder, 'other.pem'), pem);
      expect(load('{bucket: abc, caBundle: other.pem}', env)?.caBundle).toBe(join(folder, 'other.pem'));
      writeFileSync(join(folder, 'ftc.yaml'), 'data: { s3: { } }\n');
      expect(loadJob({}, env, folder).job.data?.s3?.caBundle).toBe(here());
    });

    it.each([
      ['', 'holds no certificate in PEM form'],
      [`${pem}-----BEGIN PRIVATE KEY-----\n`, 'holds a private key, which the containers must not have'],
    ])('is looked at before anything starts: %j', (text, message) => {
      write(text);
      expect(problem('{bucket: abc, caBundle: ca.pem}')).toMatchObject({
        code: 'FTC_USAGE',
        message: `checkpoint.s3.caBundle ca.pem ${message}`,
      });
    });

    it('has to be there, readable for who runs in the containers', () => {
      expect(problem('{bucket: abc, caBundle: none.pem}').message).toContain('none.pem does not exist');
      expect(problem('{bucket: abc, caBundle: "."}').message).toContain('is not a file');
      write(pem, 0o600);
      if (process.platform === 'linux')
        expect(problem('{bucket: abc, caBundle: ca.pem}').hint).toContain('chmod a+r "ca.pem"');
    });
  });

  it('is not for scripts that write checkpoints of their own', () => {
    expect(() => loadJob({ launcher: 'torchrun', s3Bucket: 'runs' }, {}, folder)).toThrow(
      'under torchrun the script writes its own',
    );
  });
});
