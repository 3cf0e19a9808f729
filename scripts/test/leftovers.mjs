import { run } from '../setup/run.mjs';

/** Jobs that tests start are named so, and only theirs are touched. */
export const testPrefix = 'ftctest-';

const kinds = [
  { list: ['ps', '--all'], id: '{{.ID}}', remove: ['rm', '--force', '--volumes'] },
  { list: ['network', 'ls'], id: '{{.ID}}', remove: ['network', 'rm'] },
  { list: ['volume', 'ls'], id: '{{.Name}}', remove: ['volume', 'rm', '--force'] },
];

/** Removes the containers, networks and volumes of test runs that were killed. Says how many there were. */
export async function removeLeftovers() {
  let removed = 0;
  for (const { list, id, remove } of kinds) {
    const format = `${id} {{.Label "io.ftc.job"}}`;
    const { stdout } = await run('docker', [...list, '--filter', 'label=io.ftc.job', '--format', format]);
    const ids = ofTests(stdout);
    if (ids.length > 0) await run('docker', [...remove, ...ids]);
    removed += ids.length;
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
