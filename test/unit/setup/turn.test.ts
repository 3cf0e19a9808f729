import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { takeTurn } from '../../../scripts/test/turn.mjs';

let folder: string;
let lock: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ftctest-turn-'));
  lock = join(folder, 'lock');
});
afterEach(() => rmSync(folder, { recursive: true }));

it('is for one run at a time', () => {
  const end = takeTurn(lock);
  expect(() => takeTurn(lock)).toThrow(`another run of the tests is at work (process ${process.pid})`);
  end();
  expect(existsSync(lock)).toBe(false);
  takeTurn(lock)();
});

it.each(['', '0', 'x y', '999999999 1', `${process.pid} 1`])('is free where %j has it', text => {
  writeFileSync(lock, text);
  takeTurn(lock);
  expect(readFileSync(lock, 'utf8')).toMatch(new RegExp(`^${process.pid} `));
});

it('leaves the turn of another, who has taken it meanwhile', () => {
  const end = takeTurn(lock);
  writeFileSync(lock, '1 1\n');
  end();
  expect(readFileSync(lock, 'utf8')).toBe('1 1\n');
});
