/**
 * A data root for a second engine with all that the first one's has in images and build cache. Layers are large and never change:
 * links lead to them, so nothing is copied but what describes them. Taking images from engine to engine (`docker save`) copies
 * gigabytes, and leaves the build cache behind.
 */
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { join } from 'node:path';

/** Of a layer: everything but its files. */
const described = ['link', 'lower', 'committed'];
const PATIENCE_MS = 60_000;
const PAUSE_MS = 100;

/**
 * @param from data root of an engine with the storage driver overlay2
 * @param seen where the new engine will see that root, read-only
 * @param to is made
 */
export async function borrow(from: string, seen: string, to: string): Promise<void> {
  mkdirSync(join(to, 'overlay2'), { recursive: true });
  for (const folder of ['image', 'buildkit'].filter(folder => existsSync(join(from, folder))))
    await copyAtRest(join(from, folder), join(to, folder));
  for (const name of readdirSync(join(from, 'overlay2'))) {
    const [source, target] = [join(from, 'overlay2', name), join(to, 'overlay2', name)];
    mkdirSync(target);
    if (name === 'l') {
      for (const link of readdirSync(source))
        unlessGone(() => symlinkSync(readlinkSync(join(source, link)), join(target, link)));
      continue;
    }
    for (const file of described) unlessGone(() => copyFileSync(join(source, file), join(target, file)));
    mkdirSync(join(target, 'work'));
    symlinkSync(join(seen, 'overlay2', name, 'diff'), join(target, 'diff'));
  }
}

/** Layers of containers come and go meanwhile. @returns whether it was there */
function unlessGone(copy: () => void): boolean {
  try {
    copy();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return false;
  }
}

/** The first engine goes on working: what it has written to meanwhile is copied anew. */
async function copyAtRest(from: string, to: string): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (!isWhole(from, to)) {
    if (performance.now() > end)
      throw new Error(`${from} changes all the time: others build images without a pause`);
    await new Promise(resolve => setTimeout(resolve, PAUSE_MS));
  }
}

function isWhole(from: string, to: string): boolean {
  let changed = true;
  const copy = (): void => {
    const before = state(from);
    cpSync(from, to, { recursive: true, force: true, filter: isLent });
    changed = state(from) !== before;
  };
  return unlessGone(copy) && !changed;
}

/** Layers of the first engine's containers, and those that are being made, are no business of the second's. */
const isLent = (path: string): boolean => !/\/layerdb\/(mounts|tmp)$/.test(path);

/** Changes with whatever is written, made or removed. */
function state(folder: string): string {
  const lines: string[] = [];
  const visit = (path: string): void => {
    const { size, mtimeMs } = statSync(path);
    lines.push(`${path} ${size} ${mtimeMs}`);
  };
  const walk = (at: string): void => {
    visit(at);
    for (const entry of readdirSync(at, { withFileTypes: true })) {
      const path = join(at, entry.name);
      if (entry.isDirectory() && isLent(path)) walk(path);
      else if (entry.isFile()) visit(path);
    }
  };
  walk(folder);
  return lines.join('\n');
}
