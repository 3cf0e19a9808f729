import { readFileSync } from 'node:fs';
import { afterEach, expect, it } from 'vitest';
import type { Status } from '../../src/api/status.ts';
import { docker, identity, TestJob, TINY } from './harness.ts';

let job: TestJob;
afterEach(() => job.close());

it('a running job grows and shrinks at step boundaries, loses nothing, restarts nobody, and ends with the same bits', async () => {
  job = await TestJob.create('scale', 'script: train.py\nsteps: 400\n');
  job.write('train.py', readFileSync(TINY, 'utf8'));
  const up = job.spawn('up', '--scale', 'worker=2', '--json');
  await job.trains(5, 2, up);
  const two = await job.workers();
  const before = await Promise.all(two.map(identity));
  const now = async (): Promise<string[]> => {
    const there = await Promise.all(two.map(c => job.connection.engine.inspect(c.id)));
    return Promise.all(there.filter(c => c !== null).map(identity));
  };

  const more = await job.ftc('scale', 'worker=5');
  expect(more.code, more.stderr).toBe(0);
  expect(await job.workers()).toHaveLength(5);
  expect(await now()).toEqual(before);
  const fewer = await job.ftc('scale', 'worker=1');
  expect(fewer.code, fewer.stderr).toBe(0);
  expect(await job.workers()).toHaveLength(1);
  expect(await now()).toEqual(before.slice(0, 1));
  const tooMany = await job.ftc('scale', 'worker=13');
  expect([tooMany.code, tooMany.stderr]).toEqual([2, expect.stringContaining('12 virtual ranks')]);

  const { code, stdout, stderr } = await up.ended;
  expect(code, stderr).toBe(0);
  const final = JSON.parse(stdout) as Status;
  expect(final).toMatchObject({ state: 'succeeded', step: 400, recoveries: [] });
  expect((await job.events()).filter(e => e.kind === 'loss' || e.level === 'error')).toEqual([]);

  expect((await job.ftc('down', '--volumes')).code).toBe(0);
  // The same job without the pauses of its steps: they are no part of the result.
  job.write('ftc.yaml', 'script: train.py\nsteps: 400\nargs: ["0"]\n');
  const quiet = await job.ftc('up', '--scale', 'worker=1', '--json');
  expect(quiet.code, quiet.stderr).toBe(0);
  expect(JSON.parse(quiet.stdout)).toMatchObject({ finalDigest: final.finalDigest, recoveries: [] });
});

it('plain docker compose runs the rendered project, with the same fault tolerance', async () => {
  job = await TestJob.create('compose', 'script: train.py\nsteps: 150\n');
  job.write('train.py', readFileSync(TINY, 'utf8'));
  job.write('docker-compose.yml', (await job.ftc('config')).stdout);
  const file = ['compose', '-f', `${job.folder}/docker-compose.yml`];
  const { code, stderr } = await docker(...file, 'up', '-d', '--scale', 'worker=2');
  expect(code, stderr).toBe(0);
  await job.trains(10, 2);
  await docker('kill', (await job.rank(0)).id);
  await job.until(s => s.recoveries[0]?.wholeMs != null, 'it is whole again');
  const final = await job.ftc('wait', '--json');
  expect(final.code, final.stderr).toBe(0);
  expect((await docker(...file, 'logs', 'worker')).stdout).toContain('worker-1');
  expect((await docker(...file, 'down', '--volumes')).code).toBe(0);
});
