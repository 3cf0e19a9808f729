import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../setup/paths.mjs';
import { run } from '../setup/run.mjs';
import { workerTestImage } from '../setup/test-images.mjs';
import { testPrefix } from './leftovers.mjs';
import { live } from './live.mjs';
import { timesOfJunit, timesOfVitest } from './slowest.mjs';
import { countJunit, countVitest } from './tally.mjs';

/** @type {(file: string) => string} */
const contents = file => (existsSync(file) ? readFileSync(file, 'utf8') : '');

/**
 * The test runners, cheapest first. Each shows what it does and ends with what it counted. Without `files` it runs all of its own.
 * @type {Record<string, (folder: string, files: readonly string[]) => Promise<import('./tally.mjs').Outcome>>}
 */
export const runners = {
  unit: (folder, files) => vitest('unit', folder, files),
  python: (folder, files) => pytest(folder, files),
  engine: (folder, files) => vitest('engine', folder, files),
  alone: (folder, files) => vitest('alone', folder, files),
};

/**
 * @param {string} project
 * @param {string} folder
 * @param {readonly string[]} files
 */
async function vitest(project, folder, files) {
  const report = join(folder, `${project}.json`);
  const code = await live(process.execPath, [
    join(root, 'node_modules/vitest/vitest.mjs'),
    ...['run', '--root', root, '--project', project],
    ...['--reporter=default', '--reporter=json', `--outputFile.json=${report}`],
    ...files,
  ]);
  const text = contents(report);
  return { name: project, code, counts: countVitest(text), times: timesOfVitest(text, root) };
}

/**
 * @param {string} folder
 * @param {readonly string[]} files
 */
async function pytest(folder, files) {
  // A name and a label, so that the next run can remove it if this one is killed; no --rm, because the report is
  // fetched from it afterwards.
  const name = `${testPrefix}python`;
  await run('docker', ['rm', '--force', '--volumes', name]);
  const marks = ['--name', name, '--label', `io.ftc.job=${name}`];
  const small = ['--tmpfs', '/small:size=8m,mode=1777', '--env', 'FTC_SMALL_DISK=/small'];
  const room = ['--init', '--shm-size', '1g', ...small, '--volume', `${root}:/repo:ro`];
  const tests = ['python3', '-m', 'pytest', '-p', 'no:cacheprovider', '--junitxml=/tmp/junit.xml'];
  const code = await live('docker', ['run', ...marks, ...room, workerTestImage, ...tests, ...files]);
  const report = join(folder, 'python.xml');
  await run('docker', ['cp', `${name}:/tmp/junit.xml`, report]);
  await run('docker', ['rm', '--force', '--volumes', name]);
  const text = contents(report);
  return { name: 'python', code, counts: countJunit(text), times: timesOfJunit(text) };
}
