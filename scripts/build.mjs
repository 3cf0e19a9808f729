#!/usr/bin/env node
// Bundles src/ into dist/ and makes `npx ftc` in this checkout ours. Runs as npm's `prepare`.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isCheckout, root } from './setup/paths.mjs';

const startedAt = performance.now();
if (!isCheckout) process.exit(0); // an unpacked package: dist/ came with it
if (!existsSync(join(root, 'node_modules/esbuild'))) {
  // `npm ci --omit=dev`: nothing to build with, which is only an error for whoever calls the build itself.
  console.error('build: esbuild is not installed; run "npm ci" without --omit=dev');
  process.exit(process.env.npm_lifecycle_event === 'prepare' ? 0 : 1);
}

const { bundle } = await import('./build/bundle.mjs');
const { linkCommand } = await import('./build/link-command.mjs');
try {
  const written = await bundle(root);
  linkCommand(root);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  console.error(
    `build: dist/ is up to date, ${written} file${written === 1 ? '' : 's'} changed (${seconds} s)`,
  );
} catch (error) {
  // esbuild has already printed what is wrong with the source, with line and column.
  if (!(error instanceof Error && 'errors' in error)) throw error;
  process.exitCode = 1;
}
