import { existsSync, lstatSync, mkdirSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Puts `ftc` into the checkout's own node_modules/.bin, where npm scripts and `npx --no ftc` look. npm does that for
 * dependencies only, not for the package itself.
 * @param {string} root
 */
export function linkCommand(root) {
  const bin = join(root, 'node_modules/.bin');
  if (!existsSync(join(root, 'dist/cli.js')) || !existsSync(join(root, 'node_modules'))) return;
  mkdirSync(bin, { recursive: true });
  const link = join(bin, 'ftc');
  const target = '../../dist/cli.js';
  if (process.platform === 'win32') {
    writeFileSync(`${link}.cmd`, `@node "%~dp0\\..\\..\\dist\\cli.js" %*\r\n`);
    return;
  }
  const stat = lstatSync(link, { throwIfNoEntry: false });
  if (stat?.isSymbolicLink() && readlinkSync(link) === target) return;
  rmSync(link, { force: true });
  symlinkSync(target, link);
}
