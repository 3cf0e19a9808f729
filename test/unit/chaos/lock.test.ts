import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Owner, readLock, self, takeLock } from '../../../chaos/journal/lock.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ftctest-lock-'));
  path = join(folder, 'job.chaos.lock');
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A process that has ended. */
const dead = (): number =>
  Number(execFileSync(process.execPath, ['-p', 'process.pid'], { encoding: 'utf8' }));
const owner = (more: Partial<Owner>): Owner => ({ ...self('one', 'ftc chaos kill'), ...more });

describe('one command at a time', () => {
  it('holds while its process lives: the next is told who, since when, and what to do', () => {
    const release = takeLock(path, owner({ since: Date.now() - 12_000 }));
    expect(() => takeLock(path, self('two', 'ftc chaos pause'))).toThrow(
      expect.objectContaining({
        code: 'FTC_ALREADY_RUNNING',
        message: expect.stringMatching(/"ftc chaos kill" .* process \d+ on .*, for 12 s/) as string,
        hint: expect.stringContaining(path) as string,
      }) as Error,
    );
    release();
    expect(existsSync(path)).toBe(false);
    takeLock(path, self('two', 'ftc chaos pause'))();
  });

  it('does not hold for one that died, nor for another process that has its number now', () => {
    for (const gone of [{ pid: dead(), began: '1' }, { began: '1' }]) {
      writeFileSync(path, JSON.stringify(owner(gone)));
      const release = takeLock(path, self('two', 'ftc chaos pause'));
      expect(readLock(path)?.run).toBe('two');
      release();
    }
    writeFileSync(path, 'torn');
    takeLock(path, self('two', 'ftc chaos pause'))();
  });

  it('takes a process of another machine for alive, as nobody knows', () => {
    writeFileSync(path, JSON.stringify(owner({ host: `${hostname()}-2`, pid: dead() })));
    expect(() => takeLock(path, owner({}))).toThrow('is breaking this job already');
  });

  it('is let go of by its owner only', () => {
    const release = takeLock(path, self('one', 'ftc chaos kill'));
    writeFileSync(path, JSON.stringify(self('two', 'ftc chaos pause')));
    release();
    expect(readLock(path)?.run).toBe('two');
  });
});
