/** A script for torchrun, which imports nothing of ftc, and no word about that in the job file. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, describe, expect, it } from 'vitest';
import type { Status } from '../../src/api/status.ts';
import { docker, TestJob } from './harness.ts';

/** What the script writes when it starts on a rank. `at`: seconds since 1970. */
interface Start {
  readonly at: number;
  readonly rank: number;
  readonly world: number;
  readonly step: number;
  readonly restarts: string;
  /** What local rank 0 had put into the memory that the workers share. */
  readonly found: boolean;
}

let job: TestJob;
afterEach(() => job.close());

async function create(label: string, jobFile: string): Promise<void> {
  job = await TestJob.create(label, jobFile);
  job.write('train.py', readFileSync(join(import.meta.dirname, 'jobs/ddp.py'), 'utf8'));
}

/** Until the container has printed it. */
async function prints(id: string, text: string): Promise<void> {
  const logs = execa('docker', ['logs', '--follow', id], { reject: false, stdin: 'ignore', buffer: false });
  for await (const line of logs.iterable()) {
    if (!line.includes(text)) continue;
    logs.kill(); // it would follow on, and leaving the loop waits for its end
    return;
  }
  throw new Error(`${id} ended before it printed "${text}"`);
}

async function starts(): Promise<Start[]> {
  const { stdout } = await docker(
    'exec',
    (await job.one('master')).id,
    'cat',
    `/checkpoints/${job.name}/script/starts`,
  );
  const lines = stdout.split('\n').map(line => JSON.parse(line) as Start);
  return lines.sort((a, b) => Number(a.restarts) - Number(b.restarts) || a.rank - b.rank);
}

describe('a script that knows nothing of ftc, on three workers', () => {
  it('starts again on all of them when one is killed, and goes on from its own checkpoint', async () => {
    await create('ddp', 'script: train.py\nworkers: 3\n');
    const up = job.spawn('up', '--json');
    const runs = (s: Status): boolean => s.state === 'running' && s.worldSize === 3;
    expect(await job.during(up, runs, 'three run')).toMatchObject({ launcher: 'torchrun', step: null });
    await prints((await job.rank(0)).id, 'saved step 60');
    const victim = await job.rank(1);
    const killedAt = Date.now() / 1000;
    await docker('kill', victim.id);
    await job.during(up, s => s.recoveries.some(r => r.wholeMs !== null), 'all run again');
    job.write('go', '');

    const { code, stdout, stderr } = await up.ended;
    expect(code, stderr).toBe(0);
    const final = JSON.parse(stdout) as Status;
    expect(final).toMatchObject({ state: 'succeeded', recoveries: [{ lostRanks: [1], stepsLost: null }] });
    expect(final.workers.map(w => w.restarts).sort()).toEqual([0, 0, 1]);
    const all = await starts();
    const again = String(final.generation - 1);
    expect(
      all.map(({ rank, world, step, restarts, found }) => ({ rank, world, step, restarts, found })),
    ).toEqual([
      ...[0, 1, 2].map(rank => ({ rank, world: 3, step: 0, restarts: '0', found: false })),
      ...[0, 1, 2].map(rank => ({ rank, world: 3, step: 60, restarts: again, found: true })),
    ]);
    // torchrun's rendezvous waits for a minute; here nothing is waited for but the container.
    const took = all.slice(3).map(({ at }) => at - killedAt);
    expect(Math.min(...took)).toBeGreaterThan(0);
    expect(Math.max(...took)).toBeLessThan(10);
    expect((await job.ftc('wait')).code).toBe(0);
    expect((await job.workers()).map(c => [c.state, c.exitCode])).toEqual(Array(3).fill(['exited', 0]));
  });

  it('fails the job with its own error, not with that of the peers it leaves behind', async () => {
    await create('raises', 'script: train.py\nworkers: 3\nargs: [no such data]\n');
    const { code, stderr } = await job.ftc('up');
    expect(code, stderr).toBe(4);
    expect(stderr).toContain('Traceback (most recent call last):\n  File "/job/train.py"');
    expect(stderr).toContain(`the job "${job.name}" failed: ValueError: no such data`);
    expect((await job.ftc('wait')).code).toBe(4);
  });
});
