/** Everything dies at once, again and again, while checkpoints are being written: what had been published is still there. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { generator } from '../../chaos/random.ts';
import type { Status } from '../../src/api/status.ts';
import { docker, TestJob } from './harness.ts';
import { loadedIn } from './loaded.ts';
import { volumeFiles } from './volume.ts';

const WIDE = readFileSync(join(import.meta.dirname, 'jobs/wide.py'), 'utf8');
/** Each takes some seconds; `FTC_TEST_CRASHES=50` for a long look. */
const CRASHES = Number(process.env.FTC_TEST_CRASHES ?? 3);
const SEED = Number(process.env.FTC_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
/** Steps between two crashes, at least; every one has a checkpoint, unless the one before is still being written. */
const STEPS = 12;

let job: TestJob;
afterEach(() => job.close());

it(
  `comes back from the newest that was published after ${CRASHES} times kill -9 of everything (seed ${SEED})`,
  { timeout: 120_000 + CRASHES * 60_000 },
  async () => {
    const random = generator(SEED);
    // Two workers on one slice each: a checkpoint a step, and nearly always one under way.
    const steps = (CRASHES + 2) * STEPS * 3;
    job = await TestJob.create(
      'crash',
      `script: train.py\nargs: ["1024", "0.02"]\nworkers: 2\nvirtualRanks: 2\nsteps: ${steps}\n` +
        'checkpoint: { every: 1, keep: 3 }\nrecovery: { backoff: { initial: 100ms } }\n',
    );
    job.write('train.py', WIDE);
    let up = job.spawn('up', '--json');
    let resumed = 0;
    let underway = 0;
    for (let crash = 1; crash <= CRASHES; crash += 1) {
      await job.trains(resumed + STEPS, 2, up);
      await sleep(random() * 300); // the fault: a random moment
      const published = await newestPublished();
      up.kill('SIGKILL');
      await docker('kill', ...(await job.containers()).map(c => c.id));
      const left = await volumeFiles(job.connection, `${job.name}_checkpoints`);
      if (left.some(path => path.includes('.tmp-step-'))) underway += 1;
      up = job.spawn('up', '--json');
      const back = await job.during(
        up,
        s => (s.step ?? 0) > 0 && s.worldSize === 2,
        `back after crash ${crash}`,
      );
      resumed = await resumedFrom(back);
      expect(resumed, `crash ${crash}: step ${published} had been published`).toBeGreaterThanOrEqual(
        published,
      );
    }
    const { code, stdout, stderr } = await up.ended;
    expect(code, stderr).toBe(0);
    const { finalDigest, step } = JSON.parse(stdout) as Status;
    expect(step).toBe(steps);
    // Nothing was ever taken for broken: a writer that dies leaves the old or the new, whole.
    const left = await volumeFiles(job.connection, `${job.name}_checkpoints`);
    expect(left.filter(path => path.includes('.bad-') || path.includes('.tmp-'))).toEqual([]);
    console.error(`crashes ${CRASHES}, in the middle of a write ${underway}`);

    expect((await job.ftc('down', '--volumes')).code).toBe(0);
    const undisturbed = await job.ftc('up', '--json', '--scale', 'worker=1', '--checkpoint-every', '1000000');
    expect((JSON.parse(undisturbed.stdout) as Status).finalDigest).toBe(finalDigest);
  },
);

/** The step of the newest checkpoint that the volume has, as plain `docker` sees it; 0 where there is none. */
async function newestPublished(): Promise<number> {
  const names = (await volumeFiles(job.connection, `${job.name}_checkpoints`)).flatMap(
    path => /\/step-(\d+)\/manifest\.json$/.exec(path)?.[1] ?? [],
  );
  return Math.max(0, ...names.map(Number));
}

async function resumedFrom({ step }: Status): Promise<number> {
  const events = await job.events();
  const from = loadedIn(events);
  expect(from, `at step ${step}: ${events.map(e => e.text).join('\n')}`).toHaveLength(1);
  return from[0] ?? NaN;
}
