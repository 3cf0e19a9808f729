import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Status } from '../../src/api/status.ts';
import { docker, type Ended, identity, TestJob } from './harness.ts';

describe('the default job, three workers, one of them killed with plain docker kill', () => {
  let job: TestJob;
  let ended: Ended;
  let final: Status;
  const before: string[] = [];
  const after: string[] = [];
  let resumed: Status;

  beforeAll(async () => {
    job = await TestJob.create('default');
    const up = job.spawn('up', '--scale', 'worker=3', '--json');
    await job.trains(20, 3, up);
    const victim = await job.rank(1);
    const survivors = (await job.workers()).filter(c => c.id !== victim.id);
    for (const c of survivors) before.push(await identity(c));
    await docker('kill', victim.id);
    resumed = await job.until(s => s.recoveries[0]?.resumedStep != null, 'training goes on');
    await job.until(s => s.recoveries[0]?.wholeMs != null, 'the third is back');
    for (const c of survivors) {
      const now = await job.connection.engine.inspect(c.id);
      if (now) after.push(await identity(now));
    }
    ended = await up.ended;
    final = JSON.parse(ended.stdout) as Status;
  });
  afterAll(() => job.close());

  it('leaves the containers and processes of the survivors as they were', () => {
    expect(after).toEqual(before);
    expect(before.join()).toContain('python3 -m ftc');
  });

  it('goes on at the next step, with nothing lost', () => {
    const [recovery] = resumed.recoveries;
    expect(recovery).toMatchObject({ lostRanks: [1], stepsLost: 0 });
    expect(recovery?.resumedStep).toBeGreaterThan(recovery?.atStep ?? Infinity);
  });

  it('is whole again, and ends with exit code 0 and at least 85 % accuracy', () => {
    expect(ended.code, ended.stderr).toBe(0);
    expect(final.state).toBe('succeeded');
    expect(final.step).toBe(final.totalSteps);
    expect(final.metrics['accuracy']).toBeGreaterThanOrEqual(0.85);
    expect(final.finalDigest).toMatch(/^[0-9a-f]{64}$/);
    expect(final.workers.map(w => w.restarts).sort()).toEqual([0, 0, 1]);
  });

  it('leaves no worker behind, and answers until it is taken down', async () => {
    expect((await job.workers()).map(c => [c.state, c.exitCode])).toEqual(Array(3).fill(['exited', 0]));
    expect((await job.ftc('status')).stdout).toContain('succeeded');
    expect((await job.ftc('checkpoints')).stdout).toContain('latest');
    expect((await job.ftc('logs', 'master')).stdout).toContain('succeeded');
    expect((await job.ftc('wait')).code).toBe(0);
    const kill = await job.ftc('chaos', 'kill', 'worker');
    expect([kill.code, kill.stderr]).toEqual([5, expect.stringContaining('nothing to break')]);
  });

  it('has logs without its master, too', async () => {
    await docker('stop', `${job.name}-master-1`);
    const { code, stdout } = await job.ftc('logs', 'master');
    expect([code, stdout]).toEqual([0, expect.stringContaining('succeeded')]);
  });

  it('is at its end when it is started again, with the same bits', async () => {
    const again = await job.ftc('up', '--json');
    expect(again.code, again.stderr).toBe(0);
    expect(JSON.parse(again.stdout)).toMatchObject({ state: 'succeeded', finalDigest: final.finalDigest });
  });
});
