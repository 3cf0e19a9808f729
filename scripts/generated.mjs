#!/usr/bin/env node
// Random training scripts under faults, many of them, in the image that the Python tests run in. See --help.
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from './setup/paths.mjs';
import { workerTestImage } from './setup/test-images.mjs';

const help = `Usage: node scripts/generated.mjs [--scripts 500] [--seed 1] [--failures generated-failures] [--shrink 60] [--each PATTERN] [--only FAULT] [--show]

Draws training scripts from seeds, runs each with 1 worker undisturbed and with 1, 2, 3 and 5 workers under faults, and compares the digests.
A line a script, and a table at the end. A script that fails is made smaller for --shrink seconds and kept in --failures. Ctrl+C ends it with the
table so far and the seed to go on with. --each tries ingredients by themselves instead: those whose "name=choice" the pattern finds, "." for all. --only has faults of one kind ("bit flip", "kill all"). --show prints the scripts and runs none. Exit code 1: a script failed. The image comes from "npm run setup -- --test".`;

const { values } = parseArgs({
  options: {
    scripts: { type: 'string', default: '500' },
    seed: { type: 'string', default: '1' },
    failures: { type: 'string', default: 'generated-failures' },
    shrink: { type: 'string', default: '60' },
    each: { type: 'string' },
    only: { type: 'string', default: '' },
    show: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(help);
  process.exit(0);
}

const failures = resolve(values.failures);
if (!values.show) {
  mkdirSync(failures, { recursive: true });
  chmodSync(failures, 0o777); // the container writes as another user
}
const mounts = [
  '--volume',
  `${root}:/repo:ro`,
  ...(values.show ? [] : ['--volume', `${failures}:/failures`]),
];
const paths = ['--env', 'PYTHONPATH=/repo/images/worker:/repo/images/worker/tests'];
const given = [
  '--scripts',
  values.scripts,
  '--seed',
  values.seed,
  '--shrink',
  values.shrink,
  '--only',
  values.only,
  ...(values.each === undefined ? [] : ['--each', values.each]),
];
const program = [
  'python3',
  '-m',
  'generated',
  ...given,
  ...(values.show ? ['--show'] : ['--failures', '/failures']),
];
const room = ['--rm', '--init', '--shm-size', '1g'];
const child = spawn('docker', ['run', ...room, ...mounts, ...paths, workerTestImage, ...program], {
  stdio: 'inherit',
});
process.on('SIGINT', () => {}); // the container has it, too, and ends with its table
child.on('exit', code => (process.exitCode = code ?? 1));
