import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { TestJob, TINY } from './harness.ts';
import { loadedIn } from './loaded.ts';

const jobFile = 'script: train.py\nsteps: 200\ncheckpoint: { every: 1000 }\n';

let job: TestJob;
afterEach(() => job.close());

async function create(label: string): Promise<void> {
  job = await TestJob.create(label, jobFile);
  job.write('train.py', readFileSync(TINY, 'utf8'));
}

describe('ftc up', () => {
  it('stops at Ctrl+C with a checkpoint, exit code 130, and goes on from there the next time', async () => {
    await create('interrupt');
    const up = job.spawn('up');
    await job.trains(15, 3, up);
    up.kill('SIGINT');
    const { code, stderr } = await up.ended;
    expect([code, stderr]).toEqual([130, expect.stringMatching(/stopped after step \d+/)]);
    expect((await job.containers()).filter(c => c.state === 'running')).toEqual([]);
    const stopped = Number(/stopped after step (\d+)/.exec(stderr)?.[1]);

    // The next one returns when its first step has committed, and the job goes on by itself.
    const detached = await job.ftc('up', '-d');
    expect(detached.code, detached.stderr).toBe(0);
    const [from] = loadedIn(await job.events());
    expect(from).toBeGreaterThanOrEqual(stopped);
    await job.until(s => (s.step ?? 0) > stopped + 10, 'it goes on with nobody watching');

    // A second one refuses, and disturbs nothing.
    const before = await job.workers();
    const second = await job.ftc('up');
    expect([second.code, second.stderr]).toEqual([
      5,
      expect.stringMatching(/already running at step \d+ of 200/),
    ]);
    expect(await job.workers()).toEqual(before);
  });

  it('stops at once at the second Ctrl+C', async () => {
    await create('twice');
    const up = job.spawn('up');
    await job.trains(5, 3, up);
    const worker = await job.rank(0);
    // A worker that cannot answer: the graceful way would wait for its heartbeat.
    await job.connection.engine.pause(worker.id);
    up.kill('SIGINT');
    await job.until(s => s.state === 'stopping', 'it stops');
    up.kill('SIGINT');
    expect((await up.ended).code).toBe(130);
    expect((await job.containers()).filter(c => c.state === 'running')).toEqual([]);
  });

  it('lets the job go on when its terminal goes away', async () => {
    await create('hangup');
    const up = job.spawn('up');
    const before = await job.trains(5, 3, up);
    up.kill('SIGHUP');
    await up.ended;
    await job.trains((before.step ?? 0) + 10, 3);
  });
});
