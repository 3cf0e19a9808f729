#!/usr/bin/env node
// Types, lint, format, dead code, Python types: all of them, also when one fails, and a table at the end.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { followConnection } from './setup/client.mjs';
import { root } from './setup/paths.mjs';
import { run } from './setup/run.mjs';
import { workerTestImage } from './setup/test-images.mjs';

/** mypy in the image that has it, on the sources as they are here; as this user, whose the cache is. */
function mypy() {
  const cache = join(root, 'node_modules/.cache/mypy');
  mkdirSync(cache, { recursive: true });
  const user =
    process.getuid === undefined || process.getgid === undefined
      ? []
      : ['--user', `${process.getuid()}:${process.getgid()}`];
  const mounts = ['--volume', `${root}:/repo:ro`, '--volume', `${cache}:/tmp/mypy`];
  return ['docker', 'run', '--rm', ...user, ...mounts, workerTestImage, 'python3', '-m', 'mypy'];
}

/** @type {(path: string, ...args: string[]) => string[]} */
const node = (path, ...args) => [process.execPath, join(root, 'node_modules', path), ...args];
const checks = [
  { name: 'types', command: node('typescript/bin/tsc', '--noEmit') },
  { name: 'lint', command: node('eslint/bin/eslint.js', '.', '--max-warnings=0') },
  { name: 'format', command: node('prettier/bin/prettier.cjs', '--check', '.') },
  { name: 'dead code', command: node('knip/bin/knip.js') },
  { name: 'Python types', command: mypy() },
];

await followConnection();
const waiting = [...checks].reverse(); // the slowest first
/** @type {Map<string, { ok: boolean, seconds: string }>} */
const results = new Map();
/** Each takes the next check until none is left: two at a time, because the larger two are. */
async function worker() {
  for (let check = waiting.shift(); check !== undefined; check = waiting.shift()) {
    const startedAt = performance.now();
    const [program = '', ...args] = check.command;
    const { ok, missing, stdout, stderr } = await run(program, args, { cwd: root });
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    if (!ok) {
      console.error(`\ncheck: ${check.name}\n`);
      console.error(
        missing ? `There is no ${program}; run "npm run setup".` : `${stdout}${stderr}`.trimEnd(),
      );
    }
    results.set(check.name, { ok, seconds });
  }
}
await Promise.all([worker(), worker()]);

console.log('');
for (const { name } of checks) {
  const { ok, seconds } = results.get(name) ?? { ok: false, seconds: '?' };
  console.log(`${name.padEnd(14)}${ok ? 'ok    ' : 'FAILED'}${`${seconds} s`.padStart(9)}`);
}
process.exitCode = [...results.values()].every(({ ok }) => ok) ? 0 : 1;
