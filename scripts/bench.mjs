#!/usr/bin/env node
// Bundles the command and the benchmarks as they are now, and runs the benchmarks: `npm run bench -- --help`.
import { join } from 'node:path';
import { build } from 'esbuild';
import { bundle } from './build/bundle.mjs';
import { followConnection } from './setup/client.mjs';
import { readEnvFile, readVariable } from './setup/env-file.mjs';
import { root } from './setup/paths.mjs';

await bundle(root);
const file = join(root, 'dist/.bench/main.js');
await build({
  entryPoints: [join(root, 'bench/main.ts')],
  outfile: file,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  packages: 'external',
  sourcemap: 'linked',
  logLevel: 'warning',
});
process.setSourceMapsEnabled(true);
await followConnection();
process.env.FTC_BASE_IMAGE ??= readVariable(readEnvFile(join(root, '.env')), 'FTC_BASE_IMAGE') ?? '';
await import(file);
