import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadJob } from '../../../src/job/load.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ftctest-needs-'));
  chmodSync(folder, 0o755);
});
afterEach(() => rmSync(folder, { recursive: true }));

const load = (text: string) => {
  writeFileSync(join(folder, 'ftc.yaml'), text);
  return loadJob({}, {}, folder);
};
const make = (name: string, mode: number): void => {
  mkdirSync(join(folder, name));
  chmodSync(join(folder, name), mode);
};

describe('what a script is to get of the host', () => {
  it.each([
    ['envFile: absent', 'envFile absent does not exist'],
    ['requirements: open', 'requirements open is not a file'],
    ['volumes: ["absent:/x"]', 'the volume absent does not exist'],
    ['volumes: ["shut:/x"]', 'the workers cannot read the volume shut'],
    ['volumes: ["open:/x:rw"]', 'the workers cannot write the volume open'],
    ['outputs: open', 'the workers cannot write to outputs open'],
    ['outputs: absent/deep', 'outputs absent/deep does not exist, nor does the folder'],
    ['outputs: file', 'outputs file is not a directory'],
    ['envFile: file', 'envFile file:2 is no NAME=value'],
    ['requirements: file', 'requirements file:2: "-r secret.txt" names another file of the host'],
  ])('is looked at before anything starts: %s', (text, message) => {
    make('shut', 0o700);
    make('open', 0o755);
    writeFileSync(join(folder, 'file'), 'A=b\n-r secret.txt\n');
    // Who owns the folders decides as whom the workers could write; these tests may run as anyone but them.
    expect(() => load(text)).toThrow(expect.objectContaining({ code: 'FTC_USAGE' }) as Error);
    expect(() => load(text)).toThrow(message);
  });

  it('may be made when the job starts: outputs', () => {
    expect(load('outputs: results').job.outputs).toEqual({ dir: join(folder, 'results') });
  });

  it('names the image by what the requirements file says', () => {
    writeFileSync(join(folder, 'requirements.txt'), 'six\n');
    const first = load('requirements: requirements.txt').needs?.requirements;
    expect(first).toMatch(/^[0-9a-f]{64}$/);
    writeFileSync(join(folder, 'requirements.txt'), 'six==1\n');
    expect(load('requirements: requirements.txt').needs?.requirements).not.toBe(first);
    expect(load('').needs?.requirements).toBeNull();
  });

  it.each([
    ['environment: {RANK: 1}', /ftc.yaml:1:21: environment.RANK names RANK, which ftc itself sets/],
    [
      'environment:\n  - A=b\n  - FTC_X=hunter2',
      /ftc.yaml:3:5: environment\[1\] names FTC_X, which ftc itself sets$/,
    ],
    [
      'environment: TOKEN=hunter2',
      /environment takes a group of names and their values, or a list of NAME=value and NAME$/,
    ],
    [
      'volumes: ["a:/job/x"]',
      /volumes\[0\] has the target \/job\/x, which hides|nothing can be mounted in \/job/,
    ],
    ['volumes: ["a:/x", "b:/x"]', /volumes\[1\] has the target \/x, as another one before it/],
    ['volumes: [a]', /volumes\[0\] must be "source:target"/],
    ['shmSize: lots', /shmSize must be an amount such as/],
    ['workdir: copy', /workdir must be true or false, not "copy"/],
    ['resources: {pids: 1}', /resources.pids must be a whole number from 64/],
  ])('is refused in the job file: %s', (text, message) => {
    expect(() => load(text)).toThrow(message);
    expect(() => load(text)).not.toThrow(/hunter2/);
  });
});
