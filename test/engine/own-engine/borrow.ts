/**
 * A data root for a second engine with all that the first one's has in images and build cache. Layers are large and never change:
 * links lead to them, so nothing is copied but what describes them. Taking images from engine to engine (`docker save`) copies
 * gigabytes, and leaves the build cache behind.
 */
import { cpSync, existsSync, mkdirSync, readdirSync, readlinkSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

/** Of a layer: everything but its files. */
const described = ['link', 'lower', 'committed'];
const TRIES = 20;

/**
 * @param from data root of an engine with the storage driver overlay2
 * @param seen where the new engine will see that root, read-only
 * @param to is made
 */
export function borrow(from: string, seen: string, to: string): void {
  mkdirSync(join(to, 'overlay2'), { recursive: true });
  for (const folder of ['image', 'buildkit']) copyAtRest(join(from, folder), join(to, folder));
  for (const name of readdirSync(join(from, 'overlay2'))) {
    const [source, target] = [join(from, 'overlay2', name), join(to, 'overlay2', name)];
    mkdirSync(target);
    if (name === 'l') {
      for (const link of readdirSync(source))
        symlinkSync(readlinkSync(join(source, link)), join(target, link));
      continue;
    }
    for (const file of described.filter(file => existsSync(join(source, file))))
      cpSync(join(source, file), join(target, file));
    mkdirSync(join(target, 'work'));
    symlinkSync(join(seen, 'overlay2', name, 'diff'), join(target, 'diff'));
  }
}

/** The first engine goes on working: a database is copied anew where it was written to meanwhile. */
function copyAtRest(from: string, to: string): void {
  for (let tries = 1; ; tries += 1) {
    const before = state(from);
    // A layer that belongs to a container of the first engine is no business of the second's.
    cpSync(from, to, { recursive: true, force: true, filter: path => !path.endsWith('/layerdb/mounts') });
    if (state(from) === before) return;
    if (tries === TRIES) throw new Error(`${from} changes all the time: somebody builds images`);
  }
}

function state(folder: string): string {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter(
    file => file.isFile() && !file.parentPath.includes('/layerdb/mounts'),
  );
  return files
    .map(({ parentPath, name }) => {
      const path = join(parentPath, name);
      const { size, mtimeMs } = statSync(path, { throwIfNoEntry: false }) ?? {};
      return `${path} ${size} ${mtimeMs}`;
    })
    .join('\n');
}
