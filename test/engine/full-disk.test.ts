/** A volume of a few megabytes that fills up: a checkpoint fails, training does not. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import type { JobEvent } from '../../src/api/event.ts';
import type { Status } from '../../src/api/status.ts';
import { docker, TestJob } from './harness.ts';
import { inVolume, volumeFiles } from './volume.ts';

const WIDE = readFileSync(join(import.meta.dirname, 'jobs/wide.py'), 'utf8');
/** Of the job below, roughly: 0.28 million parameters and Adam's two moments. */
const CHECKPOINT_MB = 3.4;

let job: TestJob;
const volume = (): string => `${job.name}_checkpoints`;

afterEach(async () => {
  await job.close();
  await docker('volume', 'rm', '--force', volume());
});

/** The job's volume, made beforehand: a file system in memory that ends after some megabytes. */
async function start(label: string, megabytes: number, steps: number): Promise<ReturnType<TestJob['spawn']>> {
  job = await TestJob.create(
    label,
    `script: train.py\nargs: ["512", "0.02"]\nworkers: 2\nvirtualRanks: 2\nsteps: ${steps}\ncheckpoint: { every: 5, keep: 3 }\n`,
  );
  job.write('train.py', WIDE);
  const options = ['type=tmpfs', 'device=tmpfs', `o=size=${megabytes}m,uid=10001,gid=10001,mode=0755`];
  const ours = [
    `io.ftc.job=${job.name}`,
    `io.ftc.folder=${job.folder}`,
    `com.docker.compose.project=${job.name}`,
  ];
  const labels = [...ours, 'com.docker.compose.volume=checkpoints'];
  const { code, stderr } = await docker(
    ...['volume', 'create', '--driver', 'local'],
    ...options.flatMap(option => ['--opt', option]),
    ...labels.flatMap(label => ['--label', label]),
    volume(),
  );
  expect(code, stderr).toBe(0);
  return job.spawn('up', '--json');
}

async function end(up: ReturnType<TestJob['spawn']>): Promise<Status> {
  const { code, stdout, stderr } = await up.ended;
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as Status;
}

const failures = (events: readonly JobEvent[]): JobEvent[] =>
  events.filter(e => e.fact?.what === 'checkpoint-failed');
const published = (files: readonly string[]): number[] =>
  files.flatMap(path => /\/step-(\d+)\/manifest\.json$/.exec(path)?.[1] ?? []).map(Number);

it('with room for two of the three that are kept: the oldest makes room, and the last one is written', async () => {
  const up = await start('tight', Math.ceil(2.5 * CHECKPOINT_MB), 120);
  await job.during(up, s => (s.step ?? 0) > 60, 'it trains past the third checkpoint');
  const failed = failures(await job.events());
  expect(failed.length).toBeGreaterThan(0);
  expect(failed[0]?.level).toBe('warn');
  expect(failed[0]?.fact).toMatchObject({ code: expect.stringMatching(/ENOSPC|EDQUOT/) as string });
  const { step, finalDigest, recoveries } = await end(up);
  expect({ step, recoveries }).toEqual({ step: 120, recoveries: [] });
  const files = await volumeFiles(job.connection, volume());
  expect(Math.max(...published(files))).toBe(120);
  expect(files.filter(path => path.includes('.tmp-'))).toEqual([]);

  // The same bits as on a disk that has room.
  expect((await job.ftc('down', '--volumes')).code).toBe(0);
  const roomy = await end(job.spawn('up', '--json'));
  expect(roomy.finalDigest).toBe(finalDigest);
});

it('filled by somebody else: training goes on without checkpoints, and has them again when there is room', async () => {
  const up = await start('filled', 32, 400);
  await job.during(up, s => (s.step ?? 0) > 12, 'a checkpoint has been written');
  await inVolume(job.connection, volume(), 'cat /dev/zero > filler 2>/dev/null || true');
  const before = published(await volumeFiles(job.connection, volume()));
  const { step } = await job.until(s => (s.step ?? 0) > 12, 'it is full');
  await job.during(up, s => (s.step ?? 0) > (step ?? 0) + 40, 'it trains on a full disk');
  expect(failures(await job.events()).length).toBeGreaterThan(0);
  const full = await volumeFiles(job.connection, volume());
  // Those that are there are safe, whatever else had to go.
  expect(Math.max(...published(full))).toBeGreaterThanOrEqual(Math.max(...before));
  await inVolume(job.connection, volume(), 'rm filler');
  await end(up);
  expect(Math.max(...published(await volumeFiles(job.connection, volume())))).toBe(400);
});
