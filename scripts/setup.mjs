#!/usr/bin/env node
// Sets up whatever is missing to run ftc here; where nothing is, it only looks. See --help.
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureBaseImage, ownImage } from './setup/base-image.mjs';
import { ensureBundles } from './setup/bundles.mjs';
import { ensureCompose } from './setup/compose.mjs';
import { ensureEngine } from './setup/engine.mjs';
import { readEnvFile, readVariable, setInEnvFile } from './setup/env-file.mjs';
import { ensureNodeModules } from './setup/node-modules.mjs';
import { isCheckout, root } from './setup/paths.mjs';
import { createReport, SetupProblem } from './setup/report.mjs';
import { probeSystem } from './setup/system.mjs';
import { ensureTestImages } from './setup/test-images.mjs';

const help = `Usage: npm run setup -- [--test] [--dry-run] [--quiet]

Installs the npm packages, builds dist/, and sees to a Docker engine, Docker Compose v2 and the base image. System
packages are installed only by root, only on Debian and Ubuntu, and only when they are absent.

  --test     also builds the images that the tests run in
  --dry-run  only says what it would do
  --quiet    says nothing when nothing is missing`;

/** @param {{ test: boolean, dryRun: boolean, quiet: boolean }} options */
async function setUp({ test, dryRun, quiet }) {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    throw new SetupProblem(
      `Node 20.19 or newer is needed; this is ${process.version}.`,
      'See https://nodejs.org/',
    );
  }
  const startedAt = performance.now();
  const report = createReport({ dryRun });
  const system = probeSystem();
  const envFile = join(root, '.env');

  if (isCheckout) {
    await ensureNodeModules({ report, root });
    await ensureBundles({ report, root });
  }
  await ensureEngine({ report, system });
  await ensureCompose({ report, system });
  const wanted = process.env.FTC_BASE_IMAGE ?? readVariable(readEnvFile(envFile), 'FTC_BASE_IMAGE');
  const baseImage = await ensureBaseImage({ wanted, report, system });
  // Compose reads .env too, so that a plain `docker compose up` in the checkout builds on the same image.
  if (isCheckout && !dryRun && (baseImage === ownImage || wanted === ownImage)) {
    setInEnvFile(envFile, 'FTC_BASE_IMAGE', baseImage === ownImage ? ownImage : null);
  }
  if (test) await ensureTestImages({ report, root, baseImage });

  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  if (report.changed() === 0 && !quiet) report.note(`nothing is missing (${seconds} s)`);
}

const { values } = parseArgs({
  options: {
    test: { type: 'boolean', default: false },
    'dry-run': { type: 'boolean', default: false },
    quiet: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(help);
} else {
  try {
    await setUp({ test: values.test, dryRun: values['dry-run'], quiet: values.quiet });
  } catch (error) {
    if (!(error instanceof SetupProblem)) throw error;
    console.error(`setup: ${error.message}`);
    if (error.hint !== undefined) console.error(`setup: ${error.hint}`);
    process.exitCode = 3;
  }
}
