import { run } from '../setup/run.mjs';
import { workerTestImage } from '../setup/test-images.mjs';
import { testPrefix } from './leftovers.mjs';

const name = `${testPrefix}neighbour-of-all`;

/**
 * A container that somebody else could have on the engine. It has to run through all tests as it is: one of them has ended the
 * engine otherwise, or what is not its own.
 * @returns {Promise<() => Promise<import('./tally.mjs').Outcome>>} to be called at the end: looks at it, and removes it
 */
export async function startNeighbour() {
  const marks = ['--name', name, '--label', `io.ftc.job=${name}`, '--network', 'none'];
  const made = await run('docker', [
    'run',
    '--detach',
    ...marks,
    '--entrypoint',
    'sleep',
    workerTestImage,
    'infinity',
  ]);
  const before = made.ok ? await look() : '';
  return async () => {
    const after = await look();
    await run('docker', ['rm', '--force', '--volumes', name]);
    return outcomeOf(before, after);
  };
}

async function look() {
  const format = '{{.State.Status}} {{.State.StartedAt}} {{.State.Pid}}';
  return (await run('docker', ['inspect', '--format', format, name])).stdout.trim();
}

/**
 * @param {string} before state, start and process; empty where there is no such container
 * @param {string} after
 * @returns {import('./tally.mjs').Outcome} counted as one test
 */
export function outcomeOf(before, after) {
  const ok = before.startsWith('running ') && after === before;
  if (!ok)
    console.error(`test: a container that no test may touch: first "${before}", at the end "${after}"`);
  return {
    name: 'neighbour',
    code: ok ? 0 : 1,
    counts: { passed: ok ? 1 : 0, failed: ok ? 0 : 1, skipped: 0 },
  };
}
