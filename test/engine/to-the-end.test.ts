import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Container } from '../../src/runtime/docker/engine.ts';
import type { Status } from '../../src/api/status.ts';
import { docker, type Ended, TestJob } from './harness.ts';

const EVERYTHING = join(import.meta.dirname, 'jobs/everything.py');
const DOCS = resolve(import.meta.dirname, '../../docs');
/** Who owns the checkpoints, and so who the workers are. */
const UID = 10001;
const PLACES = ['last', 'checkpoint', 'after'];

/** Checkpoints in a directory of the host, where the test can see who waits where, and open the doors. */
function jobFile(places: readonly string[]): string {
  const args = places.map(place => `"hold=${place}"`).join(', ');
  return `script: train.py
epochs: 12
args: [${args}]
checkpoint: { every: 40, dir: checkpoints }
recovery: { backoff: { initial: 300ms } }
`;
}

async function create(label: string, places: readonly string[]): Promise<TestJob> {
  const job = await TestJob.create(label, jobFile(places));
  job.write('train.py', readFileSync(EVERYTHING, 'utf8'));
  const folder = join(job.folder, 'checkpoints');
  mkdirSync(folder);
  chownSync(folder, UID, UID);
  return job;
}

describe('a loss at the very end', () => {
  let job: TestJob;
  let undisturbed: TestJob;
  let ended: Ended;
  let final: Status;
  /** Container by place. */
  const killed: Record<string, string> = {};

  const beside = (name: string): string => join(job.folder, 'checkpoints', name);
  const open = (place: string): void => writeFileSync(beside(`go-${place}`), '');

  /** One of the running workers that wait at `place`; the last that came, which is not always the same rank. */
  async function waits(place: string, at: (those: Container[]) => Container | undefined): Promise<Container> {
    for (;;) {
      const names = readdirSync(join(job.folder, 'checkpoints'));
      const there = (await job.workers()).filter(
        c => c.state === 'running' && names.includes(`at-${place}-${c.hostname}`),
      );
      const found = at(there);
      if (found) return found;
      await sleep(50);
    }
  }

  async function lose(victim: Container): Promise<void> {
    const started = Date.now();
    await docker('kill', victim.id);
    const isKnown = (s: Status): boolean =>
      s.recoveries.some(r => r.lost.includes(victim.hostname) && r.at > started - 1000) ||
      s.workers.some(w => w.id === victim.hostname && (w.state === 'down' || w.restarts > 0));
    await job.until(isKnown, `the master knows that ${victim.name} is lost`);
  }

  beforeAll(async () => {
    undisturbed = await create('end-quiet', []);
    job = await create('end', PLACES);
    const up = job.spawn('up', '--json', '--scale', 'worker=3');
    // All three are inside the last step: one dies before its reduction.
    const last = await waits('last', those => (those.length === 3 ? those[1] : undefined));
    killed['last'] = last.id;
    await lose(last);
    open('last');
    // Every rank's digest and rank 0's file ask for the state: the one that writes the last checkpoint dies.
    await job.until(
      s => s.workers.some(w => w.phase === 'checkpoint'),
      'the last checkpoint is being written',
    );
    const writer = await waits('checkpoint', those => those[0]);
    killed['checkpoint'] = writer.id;
    await lose(writer);
    open('checkpoint');
    const after = await waits('after', those => those[0]);
    killed['after'] = after.id;
    await docker('kill', after.id);
    open('after');
    ended = await up.ended;
    final = JSON.parse(ended.stdout || '{}') as Status;
  });
  afterAll(async () => {
    await job.close();
    await undisturbed.close();
  });

  it('in the last step, the last checkpoint or the evaluation after the loop changes no bit', async () => {
    expect(ended.code, ended.stderr).toBe(0);
    expect(Object.keys(killed)).toEqual(PLACES);
    expect(final).toMatchObject({ state: 'succeeded', step: 132, totalSteps: 132 });
    const quiet = await undisturbed.ftc('up', '--json', '--scale', 'worker=2');
    expect(quiet.code, quiet.stderr).toBe(0);
    const expected = JSON.parse(quiet.stdout) as Status;
    expect(expected.recoveries).toEqual([]);
    expect(final.finalDigest).toBe(expected.finalDigest);
    expect(final.metrics).toEqual(expected.metrics);
  });

  it('leaves a checkpoint whose digest anybody can compute', async () => {
    const folder = beside(join(job.name, 'step-00000132'));
    expect(existsSync(join(folder, 'state.pt'))).toBe(true);
    const manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as { digest: string };
    const [worker] = await job.workers();
    const mounts = ['-v', `${folder}:/checkpoint:ro`, '-v', `${DOCS}:/docs:ro`];
    // No ftc in it: isolated from the environment, and from what is in the working directory.
    const command = [
      '--entrypoint',
      'python3',
      worker?.image ?? '',
      '-I',
      '/docs/digest.py',
      '/checkpoint/state.pt',
    ];
    const { stdout, stderr } = await docker('run', '--rm', '--network', 'none', ...mounts, ...command);
    expect(stdout.trim(), stderr).toMatch(/^[0-9a-f]{64}$/);
    expect(stdout.trim()).toBe(final.finalDigest);
    expect(manifest.digest).toBe(final.finalDigest);
    const status = JSON.parse((await job.ftc('status', '--json')).stdout) as Status;
    expect(status.finalDigest).toBe(final.finalDigest);
  });
});
