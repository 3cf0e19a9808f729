#!/usr/bin/env node
// Writes what is made from the sources and committed: the schemas and docker-compose.yml.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { root } from './setup/paths.mjs';

const {
  outputFiles: [file],
} = await build({
  entryPoints: [join(root, 'scripts/generate/files.ts')],
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  packages: 'external',
  write: false,
});
// Beside the sources, so that its imports are found where theirs are.
const bundled = join(root, 'node_modules/.ftc-generated.mjs');
writeFileSync(bundled, file?.contents ?? '');
const { generated } = await import(bundled);
for (const [name, text] of Object.entries(generated(root))) {
  mkdirSync(join(root, name, '..'), { recursive: true });
  writeFileSync(join(root, name), text);
  console.log(`wrote ${name}`);
}
