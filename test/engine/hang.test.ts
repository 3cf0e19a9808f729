import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Container } from '../../src/runtime/docker/engine.ts';
import type { Status } from '../../src/api/status.ts';
import { docker, identity, TestJob, TINY } from './harness.ts';

const BLOCKS = join(import.meta.dirname, 'jobs/blocks.py');

const jobFile = (steps: number, recovery: string): string => `script: train.py
steps: ${steps}
checkpoint: { every: 50 }
recovery: { ${recovery}, backoff: { initial: 300ms } }
`;

let job: TestJob;
afterEach(() => job.close());

async function start(label: string, steps: number, recovery: string, script = TINY) {
  job = await TestJob.create(label, jobFile(steps, recovery));
  job.write('train.py', readFileSync(script, 'utf8'));
  const up = job.spawn('up', '--json');
  await job.trains(10, 3, up);
  return up;
}

async function ends(up: ReturnType<TestJob['spawn']>): Promise<Status> {
  const { code, stdout, stderr } = await up.ended;
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as Status;
}

/** The ids of the others, and what must stay as it is. */
async function survivors(victim: Container): Promise<() => Promise<string[]>> {
  const others = (await job.workers()).filter(c => c.id !== victim.id);
  const look = async (): Promise<string[]> =>
    Promise.all(others.map(async c => identity((await job.connection.engine.inspect(c.id)) ?? c)));
  const before = await look();
  return async () => {
    expect(await look()).toEqual(before);
    return before;
  };
}

describe('training goes on', () => {
  it('without a worker that is cut off from the network, which comes back onto it', async () => {
    const up = await start('cut', 600, 'heartbeat: 2s');
    const victim = await job.rank(1);
    const unchanged = await survivors(victim);
    await docker('network', 'disconnect', `${job.name}_default`, victim.id);
    const two = await job.until(s => s.recoveries[0]?.resumedStep != null, 'the others go on');
    expect(two.recoveries[0]).toMatchObject({
      causes: ['heartbeat-overdue'],
      lost: [victim.hostname],
      stepsLost: 0,
    });
    await job.until(s => s.recoveries[0]?.wholeMs != null, 'it trains again');
    const back = await job.connection.engine.inspect(victim.id);
    expect(back).toMatchObject({ attached: true, state: 'running' });
    expect(back?.startedAt).toBeGreaterThan(victim.startedAt ?? 0);
    await unchanged();
    expect((await ends(up)).step).toBe(600);
  });

  it('without a worker whose training thread hangs, although it is still heard of', async () => {
    const up = await start('stuck', 500, 'heartbeat: 2s, hang: 3s', BLOCKS);
    const victim = await job.rank(2);
    const unchanged = await survivors(victim);
    job.write('block', victim.hostname);
    const held = await job.until(
      s => s.workers.some(w => w.stuckMs !== null) || s.recoveries.length > 0,
      'it is seen',
    );
    job.write('block', '');
    if (held.recoveries.length === 0)
      expect(held.workers.find(w => w.stuckMs !== null)).toMatchObject({
        id: victim.hostname,
        phase: 'compute',
      });
    const back = await job.until(s => s.recoveries[0]?.wholeMs != null, 'it is replaced');
    expect(back.recoveries).toMatchObject([{ lost: [victim.hostname], lostRanks: [2], stepsLost: 0 }]);
    expect(back.recoveries[0]?.cause).toMatch(/^stuck in compute at step \d+$/);
    const stood = (await job.events()).find(e => e.kind === 'output');
    expect(stood).toMatchObject({ worker: victim.hostname, level: 'warn' });
    expect(stood?.fact).toMatchObject({
      ...{ what: 'stack-read', at: expect.stringMatching(/^at train\.py:\d+ in train$/) as string },
    });
    expect(stood?.detail).toMatch(
      /thread .*most recent call first(.|\n)*"\/job\/train\.py", line \d+ in train/,
    );
    expect((await docker('logs', victim.id)).stderr).toContain(stood?.detail ?? 'a stack');
    await unchanged();
    await ends(up);
  });

  it('without a worker that is far slower than the others, with a standby in its place', async () => {
    job = await TestJob.create('slow', `${jobFile(400, 'heartbeat: 2s, onStraggler: replace')}standbys: 1\n`);
    job.write('train.py', readFileSync(BLOCKS, 'utf8'));
    const up = job.spawn('up', '--json');
    const isReady = (s: Status): boolean => s.workers.some(w => w.role === 'standby');
    await job.trains(10, 3, up);
    await job.until(isReady, 'the standby is ready');
    const victim = await job.rank(1);
    job.write('slow', victim.hostname);
    const { recoveries } = await job.until(s => s.recoveries[0]?.wholeMs != null, 'it is replaced');
    job.write('slow', '');
    expect(recoveries).toMatchObject([{ lost: [victim.hostname], lostRanks: [1], stepsLost: 0 }]);
    expect(recoveries[0]?.cause).toMatch(/ times slower than the others$/);
    expect(recoveries[0]?.wholeMs).toBe(recoveries[0]?.resumedMs);
    const told = (await job.events()).find(e => e.kind === 'straggler');
    expect(told).toMatchObject({ level: 'warn', worker: victim.hostname, rank: 1 });
    await ends(up);
  });

  it('as if nothing had happened, after a pause that is shorter than the timeout', async () => {
    const up = await start('short', 120, 'heartbeat: 5s');
    const victim = await job.rank(0);
    const workers = await job.workers();
    const before = await Promise.all(workers.map(identity));
    await docker('pause', victim.id);
    // Nothing can be awaited here: that nothing happens in the time is what is tested.
    await new Promise(resolve => setTimeout(resolve, 1500));
    await docker('unpause', victim.id);
    const paused = await job.until(() => true, 'it is asked');
    await job.trains(paused.step ?? 0, 3);
    expect(await Promise.all((await job.workers()).map(identity))).toEqual(before);
    const final = await ends(up);
    expect(final).toMatchObject({ generation: 1, recoveries: [] });
    expect(final.workers.map(w => w.restarts)).toEqual([0, 0, 0]);
  });

  it('when the master dies in the middle of a generation change, again and again', async () => {
    const up = await start('failover', 450, 'heartbeat: 2s');
    const master = await job.one('master');
    const bystander = await job.rank(0);
    const same = await identity(bystander);
    for (const rank of [1, 2, 1]) {
      const { step, generation } = await job.trains(0, 3);
      const victim = await job.rank(rank);
      await Promise.all([docker('kill', victim.id), docker('kill', master.id)]);
      // The master that comes back reads of the old generation first.
      await job.until(s => s.generation > generation, 'another generation');
      await job.trains(step ?? 0, 3);
    }
    expect(await identity((await job.connection.engine.inspect(bystander.id)) ?? bystander)).toBe(same);
    const { stdout } = await docker('exec', master.id, 'cat', '/var/lib/ftc/master/journal.jsonl');
    const numbers = stdout
      .split('\n')
      .filter(line => line.includes('"type":"generation"'))
      .map(line => (JSON.parse(line) as { generation: number }).generation);
    // For each kill one without the worker and one with it; one for both when the worker is back before the master.
    expect(numbers.length).toBeGreaterThanOrEqual(4);
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
    const final = await ends(up);
    expect(final.workers.find(w => w.id === bystander.hostname)?.restarts).toBe(0);
    expect(final.recoveries.every(r => (r.stepsLost ?? 0) === 0)).toBe(true);
  });
});
