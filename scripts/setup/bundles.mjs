import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { SetupProblem } from './report.mjs';
import { lastLines, run } from './run.mjs';

const sources = [
  'src',
  'compose',
  'chaos',
  'scripts/build',
  'scripts/setup',
  'scripts/build.mjs',
  'package.json',
  'package-lock.json',
];

/**
 * When anything under `path` was last changed, in ms since the epoch; folders count, for what was removed.
 * @param {string} path
 * @returns {number}
 */
function newest(path) {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return 0;
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(stat.mtimeMs, ...readdirSync(path).map(name => newest(join(path, name))));
}

/** @param {{ report: import('./report.mjs').Report, root: string }} context */
export async function ensureBundles({ report, root }) {
  const builtAt = statSync(join(root, 'dist/.built'), { throwIfNoEntry: false })?.mtimeMs;
  const linked = existsSync(join(root, 'node_modules/.bin/ftc')) || !existsSync(join(root, 'dist/cli.js'));
  const fresh = builtAt !== undefined && sources.every(path => newest(join(root, path)) <= builtAt);
  if (fresh && linked) return;
  const why =
    builtAt === undefined
      ? 'dist/ is not there'
      : fresh
        ? 'npx ftc is not linked'
        : 'a source is newer than dist/';
  await report.step('build dist/', why, async () => {
    const result = await run(process.execPath, [join(root, 'scripts/build.mjs')], { cwd: root });
    if (!result.ok) throw new SetupProblem(`The build failed:\n${lastLines(result, 40)}`);
  });
}
