import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeOutputs } from '../../../src/client/outputs.ts';
import { resolveJob } from '../../../src/job/resolve.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ftctest-outputs-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const make = (dir: string): Promise<void> =>
  makeOutputs({
    job: resolveJob([{ outputs: dir }], null),
    file: null,
    projectDir: folder,
    user: '10001:10001',
  });

describe('the folder for outputs', () => {
  it('is made so that the workers can write it, and no further open than that takes', async () => {
    const dir = join(folder, 'results');
    await make(dir);
    const { uid, mode } = statSync(dir);
    // Only root can give it away.
    if (uid === 10001) expect(mode & 0o022).toBe(0);
    else expect(mode & 0o7777).toBe(0o1777);
  });

  it('stays as it is where it is there', async () => {
    chmodSync(folder, 0o700);
    const before = statSync(folder);
    await make(folder);
    expect(statSync(folder)).toMatchObject({ uid: before.uid, mode: before.mode });
  });

  it('that cannot be made is an error with what to do', async () => {
    writeFileSync(join(folder, 'file'), '');
    await expect(make(join(folder, 'file/results'))).rejects.toMatchObject({ code: 'FTC_CANNOT_WRITE' });
  });
});
