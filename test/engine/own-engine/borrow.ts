/**
 * A data root for a second engine with all that the first one's has in images and build cache. Layers are large and never change:
 * links lead to them, so nothing is copied but what describes them, and the few that a build writes to: the folders that it was last
 * made from, which BuildKit keeps and brings up to date with the next build of them. Taking images from engine to engine (`docker save`) copies
 * gigabytes, and leaves the build cache behind.
 */
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
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
  const unchanging = new Set([
    ...ids(from, 'sha256', 'cache-id'),
    ...ids(from, 'mounts', 'mount-id', 'init-id'),
  ]);
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
    if (unchanging.has(name) || existsSync(join(source, 'committed')))
      symlinkSync(join(seen, 'overlay2', name, 'diff'), join(target, 'diff'));
    else unlessGone(() => cpSync(join(source, 'diff'), join(target, 'diff'), copying));
  }
}

const copying = { recursive: true, verbatimSymlinks: true, preserveTimestamps: true } as const;

/** Names of layers, from what the engine keeps of images and of containers. */
function ids(from: string, of: 'sha256' | 'mounts', ...files: string[]): string[] {
  const folder = join(from, 'image/overlay2/layerdb', of);
  const found: string[] = [];
  for (const one of existsSync(folder) ? readdirSync(folder) : [])
    for (const file of files)
      unlessGone(() => found.push(readFileSync(join(folder, one, file), 'utf8').trim()));
  return found;
}

/** Layers of containers come and go meanwhile. @returns whether it was there */
function unlessGone(copy: () => unknown): boolean {
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
