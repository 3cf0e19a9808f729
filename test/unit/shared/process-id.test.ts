import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { fromText, isAlive, thisProcess, toText } from '../../../src/shared/process-id.ts';

const dead = (): number => spawnSync(process.execPath, ['-e', '']).pid;

describe('a process', () => {
  it('is alive as long as it runs', () => {
    expect(isAlive(thisProcess())).toBe(true);
    expect(isAlive({ ...thisProcess(), began: null })).toBe(true);
    expect(isAlive({ ...thisProcess(), pid: dead() })).toBe(false);
    expect(isAlive({ ...thisProcess(), pid: dead(), began: null })).toBe(false);
  });

  it('is not another one that has its number now', () => {
    expect(isAlive({ ...thisProcess(), began: '1' })).toBe(false);
  });

  it('of another machine is not known', () => {
    expect(isAlive({ ...thisProcess(), host: 'elsewhere' })).toBeNull();
  });

  it('is written down, and read again', () => {
    for (const id of [thisProcess(), { ...thisProcess(), began: null }])
      expect(fromText(toText(id))).toEqual(id);
  });
});
