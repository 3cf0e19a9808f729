import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ExitCode, FtcError } from '../../../src/errors.ts';
import { settings } from '../../../src/job/settings.ts';

const page = (name: string): string =>
  readFileSync(new URL(`../../../docs/${name}`, import.meta.url), 'utf8');
const rows = (name: string): string[][] =>
  page(name)
    .split('\n')
    .filter(line => line.startsWith('| '))
    .map(line => line.split(' | ').map(cell => cell.replaceAll(/^\| | \|$/g, '').trim()));

const source = readFileSync(new URL('../../../src/errors.ts', import.meta.url), 'utf8');
const codes = [...source.matchAll(/^ {2}(FTC_[A-Z0-9_]+): ExitCode\./gm)].map(([, code = '']) => code);

it('has each error code in the row of its exit code, and no other', () => {
  expect(codes.length).toBeGreaterThan(20);
  const told = rows('cli.md').flatMap(([exit = '', , names = '']) =>
    [...names.matchAll(/`(FTC_[A-Z0-9_]+)`/g)].map(([, name = '']) => `${name} ${exit}`),
  );
  const real = codes.map(code => `${code} ${new FtcError(code as FtcError['code'], '').exitCode}`);
  expect(told.sort()).toEqual(real.sort());
});

it('has each exit code', () => {
  const told = rows('cli.md').map(([exit = '']) => exit);
  for (const code of Object.values(ExitCode)) expect(told).toContain(String(code));
});

it('has each key of the job file', () => {
  const keys = rows('job-file.md').flatMap(([key = '']) =>
    [...key.matchAll(/`([A-Za-z0-9.]+)`/g)].map(([, name = '']) => name),
  );
  // Keys within `checkpoint.s3`, `data` and `resources` of which pages of their own tell are named by the first part.
  const missing = settings
    .map(({ path }) => path.join('.'))
    .filter(path => !keys.some(key => path === key || path.startsWith(`${key}.`)));
  expect(missing).toEqual([]);
});
