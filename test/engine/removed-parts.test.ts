/** Parts of a watched job that somebody removes, cuts off or stops with plain docker. */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Container } from '../../src/runtime/docker/engine.ts';
import { docker, TestJob, TINY, type Running } from './harness.ts';

const JOB = 'script: train.py\nargs: ["0.1"]\nworkers: 3\nsteps: 2000\ncheckpoint: { every: 10 }\n';

describe('a job whose parts are removed from outside', () => {
  let job: TestJob;
  let up: Running;

  beforeAll(async () => {
    job = await TestJob.create('removed', JOB);
    job.write('train.py', readFileSync(TINY, 'utf8'));
    job.write('.env', 'TOKEN=secret\n');
    up = job.spawn('up');
    await job.trains(5, 3, up);
  });
  afterAll(() => job.close());

  const named = async (number: number): Promise<Container> => {
    const found = (await job.workers()).find(c => c.number === number);
    if (!found) throw new Error(`there is no worker ${number}`);
    return found;
  };
  const stepOf = async (): Promise<number> =>
    (await job.until(s => s.step !== null, 'it has a step')).step ?? 0;

  it('gets supervisor and worker back that were dead when somebody pruned', async () => {
    const ids = [(await job.one('supervisor')).id, (await named(2)).id];
    await docker('kill', ...ids);
    await docker('rm', '--force', ...ids);
    await job.trains(await stepOf(), 3, up);
    expect(ids).not.toContain((await job.one('supervisor')).id);
    expect(ids).not.toContain((await named(2)).id);
  });

  it('gets a worker back when a file that was hidden from it is gone', async () => {
    rmSync(join(job.folder, '.env'));
    const { id } = await named(1);
    await docker('kill', id);
    await job.trains(await stepOf(), 3, up);
    expect((await named(1)).id).not.toBe(id);
  });

  it('gets its master back that was dead when somebody pruned, with its port', async () => {
    const { id } = await job.one('master');
    await docker('kill', id);
    await docker('rm', '--force', id);
    await job.trains(await stepOf(), 3, up);
  });

  it('gets its master put back onto the network that it was cut off from', async () => {
    const { id } = await job.one('master');
    const cut = await docker('network', 'disconnect', `${job.name}_default`, id);
    expect(cut.code, cut.stderr).toBe(0);
    await job.trains(await stepOf(), 3, up);
    expect((await job.one('master')).attached).toBe(true);
  });

  it('is not brought back when all of it was stopped: "ftc up" ends and says so', async () => {
    const supervisor = await job.one('supervisor');
    await docker('stop', supervisor.id);
    await docker('stop', ...(await job.workers()).map(c => c.id));
    await docker('stop', (await job.one('master')).id);
    const { code, stderr } = await up.ended;
    expect(code, stderr).toBe(5);
    expect(stderr).toContain('were stopped');
    // Of the test before: it may have been over between two looks at the job.
    expect(stderr).toContain('-master-1 was cut off from its network, and is put back onto it');
    expect((await job.containers()).map(c => c.state)).toEqual(Array(5).fill('exited'));
  });

  it('says what is missing while nobody watches, and watching brings it back', async () => {
    const started = await job.ftc('up', '--detach');
    expect(started.code, started.stderr).toBe(0);
    await docker('rm', '--force', (await job.one('supervisor')).id);
    await docker('rm', '--force', (await named(3)).id);
    const { stdout } = await job.ftc('status');
    expect(stdout).toContain("the supervisor's container is gone");
    expect(stdout).toContain('containers of 1 of 3 workers are gone');
    const watch = job.spawn('watch');
    await job.trains(await stepOf(), 3, watch);
    expect((await job.one('supervisor')).state).toBe('running');
  });
});
