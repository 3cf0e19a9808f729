/** The package as npm installs it, in a folder with no repository around it. */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const name = `ftctest-pack-${Math.random().toString(36).slice(2, 7)}`;
let folder: string;
let home: string;

const npx = (...args: string[]) =>
  execa('npx', ['--no-install', 'ftc', ...args], { cwd: home, reject: false, stdin: 'ignore' });

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ftctest-pack-'));
  home = join(folder, 'empty');
  mkdirSync(home);
  for (const path of [folder, home]) chmodSync(path, 0o755);
  // The build is there already; a build of its own would race with tests that run the command.
  const pack = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder];
  const { stdout } = await execa('npm', pack, { cwd: root });
  const [packed] = JSON.parse(stdout) as [{ filename: string }];
  await execa(
    'npm',
    ['install', '--prefer-offline', '--no-audit', '--no-fund', join(folder, packed.filename)],
    {
      cwd: home,
    },
  );
});
afterAll(async () => {
  await npx('down', '--volumes', '--name', name);
  rmSync(folder, { recursive: true });
});

it('installs the command under its name', async () => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  expect(await npx('--version')).toMatchObject({ exitCode: 0, stdout: version });
});

it('renders a project that is built from the installed package', async () => {
  const { exitCode, stdout } = await npx('config');
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/context: \.\/node_modules\/fault-tolerant-compose$/m);
});

it('trains the default job with no repository around it', async () => {
  const up = await npx('up', '--name', name, '--port', '0', '--steps', '20', '--scale', 'worker=2');
  expect(up.exitCode, up.stderr).toBe(0);
  const down = await npx('down', '--volumes', '--name', name);
  expect(down.exitCode, down.stderr).toBe(0);
});
