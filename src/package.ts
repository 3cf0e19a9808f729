/** This package itself: what the images are built from, and how they are tagged. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

const Manifest = z.object({ name: z.string(), version: z.string() });

export interface Package {
  /** Absolute path of the folder that holds package.json, images/ and dist/. */
  readonly root: string;
  readonly version: string;
}

let found: Package | null = null;

export function ownPackage(): Package {
  return (found ??= find(dirname(fileURLToPath(import.meta.url))));
}

/** From here upwards: the sources and the bundle are at different depths. */
function find(folder: string): Package {
  const path = join(folder, 'package.json');
  if (existsSync(path)) {
    const { name, version } = Manifest.partial().parse(JSON.parse(readFileSync(path, 'utf8')));
    if (name === 'fault-tolerant-compose' && version !== undefined) return { root: folder, version };
  }
  const parent = dirname(folder);
  if (parent === folder) throw new Error('ftc cannot find its own package.json');
  return find(parent);
}
