import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import type { Container } from '../../src/runtime/docker/engine.ts';
import type { Status } from '../../src/api/status.ts';
import { docker, identity, TestJob, TINY } from './harness.ts';
import { loadedIn } from './loaded.ts';

const jobFile = (more = ''): string => `script: train.py
steps: 150
checkpoint: { every: 20 }
recovery: { heartbeat: 2s, backoff: { initial: 300ms } }
${more}`;

let job: TestJob;
afterEach(() => job.close());

async function start(label: string, more?: string): Promise<ReturnType<TestJob['spawn']>> {
  job = await TestJob.create(label, jobFile(more));
  job.write('train.py', readFileSync(TINY, 'utf8'));
  const up = job.spawn('up', '--json');
  await job.trains(15, 3, up);
  return up;
}

async function ends(up: ReturnType<TestJob['spawn']>): Promise<Status> {
  const { code, stdout, stderr } = await up.ended;
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as Status;
}

const started = (containers: readonly Container[]): string[] =>
  containers.map(c => `${c.name} ${c.startedAt}`);

describe('a job goes on', () => {
  it('when all workers are killed: from the latest checkpoint', async () => {
    const up = await start('all');
    await job.until(s => (s.step ?? 0) > 45, 'two checkpoints');
    await docker('kill', ...(await job.workers()).map(c => c.id));
    const back = await job.until(s => s.recoveries[0]?.wholeMs != null, 'training goes on');
    const [recovery] = back.recoveries;
    expect(recovery?.lost).toHaveLength(3);
    // At most what was done since the last checkpoint, and one that was still being written.
    expect(recovery?.stepsLost).toBeLessThanOrEqual(40);
    expect(recovery?.resumedStep).toBeGreaterThan(20);
    expect((await ends(up)).step).toBe(150);
  });

  it('when the master is killed: without it, and it takes up where it was', async () => {
    const up = await start('master');
    const before = await job.until(s => (s.step ?? 0) > 20, 'it trains');
    const workers = await job.workers();
    const same = await Promise.all(workers.map(identity));
    const master = await job.one('master');
    await docker('kill', master.id);
    const after = await job.until(s => (s.step ?? 0) > (before.step ?? 0), 'the master knows a later step');
    expect((await job.one('master')).startedAt).toBeGreaterThan(master.startedAt ?? 0);
    expect(after.generation).toBe(before.generation);
    expect(await Promise.all((await job.workers()).map(identity))).toEqual(same);
    const final = await ends(up);
    expect(final.recoveries).toEqual([]);
    expect(final.generation).toBe(before.generation);
  });

  it('when the supervisor is killed: and what died meanwhile comes back with it', async () => {
    const up = await start('supervisor');
    up.kill('SIGKILL'); // the watching command would start the supervisor again by itself
    const supervisor = await job.one('supervisor');
    await docker('kill', supervisor.id);
    const victim = await job.rank(2);
    await docker('kill', victim.id);
    const two = await job.until(s => s.worldSize === 2 && s.recoveries[0]?.resumedMs != null, 'two go on');
    await job.trains((two.step ?? 0) + 10, 2);
    expect((await job.connection.engine.inspect(victim.id))?.state).toBe('exited');
    await docker('start', supervisor.id);
    await job.until(s => s.worldSize === 3, 'the third is back');
    expect((await job.ftc('wait')).code).toBe(0);
  });

  it('when the supervisor is killed and somebody watches: the watcher starts it again', async () => {
    const up = await start('watched');
    const supervisor = await job.one('supervisor');
    await docker('kill', supervisor.id);
    expect((await ends(up)).state).toBe('succeeded');
    expect((await job.one('supervisor')).startedAt).toBeGreaterThan(supervisor.startedAt ?? 0);
  });

  it('when a worker hangs: it is killed and replaced', async () => {
    const up = await start('pause');
    const victim = await job.rank(0);
    const others = (await job.workers()).filter(c => c.id !== victim.id);
    await docker('pause', victim.id);
    await job.until(s => s.recoveries[0]?.wholeMs != null, 'it is replaced');
    expect((await job.connection.engine.inspect(victim.id))?.startedAt).toBeGreaterThan(
      victim.startedAt ?? 0,
    );
    const now = (await job.workers()).filter(c => c.id !== victim.id);
    expect(started(now)).toEqual(started(others));
    const final = await ends(up);
    expect(final.recoveries[0]).toMatchObject({
      causes: ['heartbeat-overdue'],
      lostRanks: [0],
      stepsLost: 0,
    });
  });

  it('when everything is taken down: from the latest checkpoint, and to the same bits as undisturbed', async () => {
    const up = await start('down');
    await job.until(s => (s.step ?? 0) > 45, 'two checkpoints');
    up.kill('SIGKILL');
    expect((await job.ftc('down')).code).toBe(0);
    expect(await job.containers()).toEqual([]);
    const disturbed = await ends(job.spawn('up', '--json'));
    expect(disturbed.step).toBe(150);
    const [from] = loadedIn(await job.events());
    // "down" lets the workers finish their step and write a checkpoint of it.
    expect(from).toBeGreaterThan(45);
    expect((await job.ftc('down', '--volumes')).code).toBe(0);
    const undisturbed = await ends(job.spawn('up', '--json', '--scale', 'worker=1'));
    expect(disturbed.finalDigest).toBe(undisturbed.finalDigest);
  });
});
