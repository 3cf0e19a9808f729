import { mkdtempSync, chmodSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Status } from '../../src/api/status.ts';

const command = join(import.meta.dirname, '../../dist/cli.js');
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ftctest-init-'));
  chmodSync(folder, 0o755);
});
const ftc = (...args: string[]) => execa('node', [command, ...args], { cwd: folder, reject: false });
afterAll(async () => {
  await ftc('down', '--volumes');
  rmSync(folder, { recursive: true });
});

it('writes a job that trains as it is', async () => {
  expect(await ftc('init')).toMatchObject({ exitCode: 0 });
  expect(await ftc('init')).toMatchObject({ exitCode: 6 });
  const up = await ftc('up', '--port', '0', '--scale', 'worker=2', '--steps', '200');
  expect(up.exitCode, up.stderr).toBe(0);
  const status = Status.parse(JSON.parse((await ftc('status', '--json')).stdout));
  expect(status).toMatchObject({ project: basename(folder).toLowerCase(), state: 'succeeded', step: 200 });
  expect(status.metrics.accuracy).toBeGreaterThan(0.9);
});
