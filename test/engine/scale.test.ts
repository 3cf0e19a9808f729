import { readFileSync } from 'node:fs';
import { afterEach, expect, it } from 'vitest';
import type { Status } from '../../src/master/status.ts';
import { docker, TestJob, TINY } from './harness.ts';

let job: TestJob;
afterEach(() => job.close());

it('a running job grows and shrinks at step boundaries, loses nothing, and its containers follow', async () => {
  job = await TestJob.create('scale', 'script: train.py\nsteps: 400\n');
  job.write('train.py', readFileSync(TINY, 'utf8'));
  const up = job.spawn('up', '--scale', 'worker=2', '--json');
  await job.trains(5, 2, up);

  const more = await job.ftc('scale', 'worker=4');
  expect(more.code, more.stderr).toBe(0);
  expect(await job.workers()).toHaveLength(4);
  const fewer = await job.ftc('scale', 'worker=1');
  expect(fewer.code, fewer.stderr).toBe(0);
  expect(await job.workers()).toHaveLength(1);
  const tooMany = await job.ftc('scale', 'worker=13');
  expect([tooMany.code, tooMany.stderr]).toEqual([2, expect.stringContaining('12 virtual ranks')]);

  const { code, stdout, stderr } = await up.ended;
  expect(code, stderr).toBe(0);
  const final = JSON.parse(stdout) as Status;
  expect(final).toMatchObject({ state: 'succeeded', step: 400, recoveries: [] });
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
