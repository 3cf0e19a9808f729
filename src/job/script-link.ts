/** Where a script that is a link leads, as the workers see it: its folder is all that they have. */
import { lstatSync, readlinkSync } from 'node:fs';
import { basename, dirname, isAbsolute, join } from 'node:path';

/** As the kernel has it. */
const MOST_LINKS = 40;

/**
 * True where following it needs more than its folder: by `..` above that, by an absolute path, or in a circle. Links inside the folder
 * are no trouble.
 * @param script an absolute path
 */
export function leadsOut(script: string): boolean {
  const folder = dirname(script);
  const inside: string[] = [];
  let left = [basename(script)];
  let links = 0;
  for (let part = left.shift(); part !== undefined; part = left.shift()) {
    if (part === '' || part === '.') continue;
    if (part === '..') {
      if (inside.pop() === undefined) return true;
      continue;
    }
    const path = join(folder, ...inside, part);
    if (!lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink()) {
      inside.push(part);
      continue;
    }
    const target = readlinkSync(path);
    links += 1;
    if (isAbsolute(target) || links > MOST_LINKS) return true;
    left = [...target.split('/'), ...left];
  }
  return false;
}
