import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadJob } from '../../../src/job/load.ts';

const isRoot = process.getuid?.() === 0;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ftctest-host-'));
  chmodSync(folder, 0o755);
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('the training script', () => {
  it('must be there', () => {
    expect(() => loadJob({ script: 'no.py' }, {}, folder)).toThrow(
      expect.objectContaining({
        code: 'FTC_SCRIPT_MISSING',
        exitCode: 2,
        message: 'the training script no.py does not exist',
        hint: expect.stringContaining('ftc init') as string,
      }),
    );
    mkdirSync(join(folder, 'dir.py'));
    expect(() => loadJob({ script: 'dir.py' }, {}, folder)).toThrow('is not a file');
    writeFileSync(join(folder, 'file'), '');
    expect(() => loadJob({ script: 'file/train.py' }, {}, folder)).toThrow('does not exist');
  });

  it.runIf(process.platform === 'linux')('must be readable for the workers, who are another user', () => {
    const script = join(folder, 'train.py');
    writeFileSync(script, '', { mode: 0o600 });
    expect(() => loadJob({ script }, {}, folder)).toThrow(
      'the workers cannot read the training script train.py',
    );
    chmodSync(script, 0o644);
    expect(loadJob({ script }, {}, folder).job.script).toBe(script);
    chmodSync(folder, 0o700);
    expect(() => loadJob({ script }, {}, folder)).toThrow('cannot read');
  });
});

describe('the checkpoint directory', () => {
  it('must be there, and decides whom the workers run as', () => {
    expect(() => loadJob({ checkpointDir: 'c' }, {}, folder)).toThrow('checkpoint.dir c does not exist');
    const dir = join(folder, 'c');
    mkdirSync(dir);
    if (isRoot) {
      expect(() => loadJob({ checkpointDir: 'c' }, {}, folder)).toThrow(
        expect.objectContaining({ hint: expect.stringContaining('chown -R 10001:10001 "c"') as string }),
      );
      chownSync(dir, 1234, 5678);
    }
    const { uid, gid } = statSync(dir);
    expect(loadJob({ checkpointDir: 'c' }, {}, folder)).toMatchObject({
      user: `${uid}:${gid}`,
      job: { checkpoint: { dir } },
    });
  });

  it('is a volume by default, of a user of its own', () => {
    expect(loadJob({}, {}, folder).user).toBe('10001:10001');
  });
});
