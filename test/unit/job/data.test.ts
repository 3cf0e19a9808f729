import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Data } from '../../../src/job/data.ts';
import { loadJob } from '../../../src/job/load.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ftctest-data-'));
  chmodSync(folder, 0o755);
});
afterEach(() => rmSync(folder, { recursive: true }));

const load = (data: string): Data | null => {
  writeFileSync(join(folder, 'ftc.yaml'), `data: ${data}\n`);
  return loadJob({}, {}, folder).job.data;
};

describe('data', () => {
  it('is nothing unless it is asked for', () => {
    expect(load('null')).toBeNull();
    expect(load('{}')).toEqual({ cache: '10g', s3: null });
  });

  it('reads from AWS with the login of the environment where nothing else is said', () => {
    expect(load('{s3: {}}')?.s3).toEqual({ endpoint: null, region: null, credentials: null, caBundle: null });
  });

  it('says all that there is to say', () => {
    writeFileSync(join(folder, 'keys'), '', { mode: 0o644 });
    const said = '{cache: 2g, s3: {endpoint: "http://s3:9000", region: eu-west-1, credentials: keys}}';
    expect(load(said)).toEqual({
      cache: '2g',
      s3: {
        endpoint: 'http://s3:9000',
        region: 'eu-west-1',
        credentials: join(folder, 'keys'),
        caBundle: null,
      },
    });
    expect(load('{s3: {credentials: "secret:mine"}}')?.s3?.credentials).toBe('secret:mine');
  });

  it.each([
    ['{cache: much}', 'ftc.yaml:1:15: data.cache must be an amount such as "512m" or "2g"'],
    ['{cache: 0g}', 'data.cache must be an amount'],
    ['{s3: {endpoint: "s3:9000"}}', 'data.s3.endpoint must be a URL'],
    ['{s3: {endpoint: "http://me:hunter2@s3"}}', 'a file (data.s3.credentials)'],
    ['{s3: {credentials: "absent"}}', 'data.s3.credentials absent does not exist'],
    ['{s3: {bucket: b}}', 'bucket'],
    ['{bytes: 2g}', 'bytes'],
  ])('%s is wrong, and told without its secrets', (said, message) => {
    expect(() => load(said)).toThrow(message);
    expect(() => load(said)).not.toThrow('hunter2');
  });
});
