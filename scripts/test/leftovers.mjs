import { lstatSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ping } from '../setup/client.mjs';
import { run } from '../setup/run.mjs';

/** Jobs that tests start are named so, and only theirs are touched. */
export const testPrefix = 'ftctest-';

const kinds = [
  { list: ['ps', '--all'], id: '{{.ID}}', remove: ['rm', '--force', '--volumes'] },
  { list: ['network', 'ls'], id: '{{.ID}}', remove: ['network', 'rm'] },
  { list: ['volume', 'ls'], id: '{{.Name}}', remove: ['volume', 'rm', '--force'] },
];

/** Removes what is left of test runs that were killed: containers, networks, volumes, and engines of their own. Says how many there were. */
export async function removeLeftovers() {
  let removed = await removeEngines();
  for (const { list, id, remove } of kinds) {
    const format = `${id} {{.Label "io.ftc.job"}}`;
    const { stdout } = await run('docker', [...list, '--filter', 'label=io.ftc.job', '--format', format]);
    const ids = ofTests(stdout);
    if (ids.length > 0) await run('docker', [...remove, ...ids]);
    removed += ids.length;
  }
  return removed;
}

/** An engine of a test's own ends by itself with its test. Its folder stays where the machine itself went down. */
async function removeEngines(folder = tmpdir()) {
  let removed = 0;
  for (const name of readdirSync(folder).filter(name => name.startsWith(`${testPrefix}engine-`))) {
    const path = join(folder, name);
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (!stats?.isDirectory() || stats.uid !== process.getuid?.()) continue;
    if ((await ping(join(path, 'docker.sock'))) !== 'silent') continue;
    rmSync(path, { recursive: true, force: true });
    removed += 1;
  }
  return removed;
}

/** @param {string} text lines of `id job` */
export function ofTests(text) {
  return text
    .split('\n')
    .map(line => line.split(' '))
    .filter(([, job]) => job?.startsWith(testPrefix))
    .map(([id = '']) => id);
}
