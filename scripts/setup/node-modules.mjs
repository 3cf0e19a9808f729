import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SetupProblem } from './report.mjs';
import { lastLines, run } from './run.mjs';

/**
 * Why the installed packages are not what the lock file says; null when they are. Packages for other platforms are not
 * installed, and packages beyond the lock file do no harm.
 * @typedef {{ packages: Record<string, { version?: string, integrity?: string, optional?: boolean }> }} Lock
 * @param {Lock} wanted package-lock.json
 * @param {Lock | null} installed node_modules/.package-lock.json, which npm writes when it is through
 */
export function whyInstall(wanted, installed) {
  if (installed === null) return 'node_modules is not there, or an installation was interrupted';
  for (const [path, { version, integrity, optional }] of Object.entries(wanted.packages)) {
    if (path === '') continue;
    const found = installed.packages[path];
    if (found === undefined && optional === true) continue;
    if (found?.version !== version || found?.integrity !== integrity) {
      return `${path} is not what package-lock.json says`;
    }
  }
  return null;
}

/** @param {{ report: import('./report.mjs').Report, root: string }} context */
export async function ensureNodeModules({ report, root }) {
  const lock = join(root, 'package-lock.json');
  const hidden = join(root, 'node_modules/.package-lock.json');
  const why = whyInstall(readJson(lock), existsSync(hidden) ? readJson(hidden) : null);
  if (why === null) return;
  await report.step('install the packages of package-lock.json with "npm ci"', why, async () => {
    // Without scripts: none is needed, one would compile for a minute, and ours would build twice.
    const result = await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: root });
    if (!result.ok) throw new SetupProblem(`"npm ci" failed:\n${lastLines(result)}`);
  });
}

/**
 * @param {string} path
 * @returns {Lock}
 */
const readJson = path => JSON.parse(readFileSync(path, 'utf8'));
