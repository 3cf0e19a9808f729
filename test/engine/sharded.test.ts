/** Shards on the engine: every sample of every epoch counts once, whatever is killed, and the bits are those of one worker. */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobEvent } from '../../src/api/event.ts';
import type { Status } from '../../src/api/status.ts';
import { docker, TestJob } from './harness.ts';
import { loadedIn } from './loaded.ts';
import { smallImage } from './small-image.ts';

const SCRIPT = readFileSync(join(import.meta.dirname, 'jobs/shards.py'), 'utf8');
/** Samples of each shard: 12 kB of JSON at most, 2400 in all. */
const COUNTS = [300, 0, 310, 120, 290, 1, 305, 300, 180, 294, 300];
const LOGIN = { accessKeyId: 'me', secretAccessKey: 'only-for-this-test' };

const jobFile = (source: string, pause: number, data: string): string => `
script: train.py
args: ["${source}", "pause=${pause}", "window=2"]
dataset: shards
data: ${data}
epochs: 3
checkpoint: { every: 10 }
recovery: { backoff: { initial: 300ms } }
`;

const shards: [name: string, text: string][] = [];
for (const [shard, count] of COUNTS.entries()) {
  const first = COUNTS.slice(0, shard).reduce((a, b) => a + b, 0);
  const lines = Array.from({ length: count }, (_, line) =>
    JSON.stringify({ s: shard, l: line, n: first + line }),
  );
  shards.push([`part-${String(shard).padStart(3, '0')}.jsonl`, lines.map(line => `${line}\n`).join('')]);
}

/** To be removed, whatever became of them. */
const made: TestJob[] = [];

async function create(label: string, file: string): Promise<TestJob> {
  const job = await TestJob.create(label, file);
  made.push(job);
  job.write('train.py', SCRIPT);
  mkdirSync(join(job.folder, 'shards'));
  chmodSync(join(job.folder, 'shards'), 0o755);
  for (const [name, text] of shards) writeFileSync(join(job.folder, 'shards', name), text, { mode: 0o644 });
  return job;
}

/** All of the job, the store's too. */
async function remove(job: TestJob): Promise<void> {
  const { stdout } = await docker('ps', '-aq', '--filter', `label=io.ftc.job=${job.name}`);
  await docker('rm', '--force', '--volumes', ...stdout.split('\n').filter(Boolean));
  await job.close();
  await docker('volume', 'rm', '--force', `${job.name}_s3`);
}

const counted = { once: 1, twice: 0, samples: COUNTS.reduce((a, b) => a + b, 0) };

describe('a job on shards', () => {
  let undisturbed: Status;

  beforeAll(async () => {
    const quiet = await create('shards-quiet', jobFile('/data', 0, '{}'));
    const { code, stdout, stderr } = await quiet.ftc('up', '--scale', 'worker=1', '--json');
    expect(code, stderr).toBe(0);
    undisturbed = JSON.parse(stdout) as Status;
    await remove(quiet);
    made.length = 0;
  });
  afterAll(async () => {
    for (const job of made) await remove(job);
  });

  it('reads each sample of an epoch once when nothing happens', () => {
    expect(undisturbed).toMatchObject({ state: 'succeeded', metrics: counted, recoveries: [] });
  });

  it('in a folder: reads each once across kills, 2 → 3 → 1 workers, and a resume after all were killed', async () => {
    const local = await create('shards', jobFile('/data', 0.02, '{}'));
    const up = local.spawn('up', '--scale', 'worker=2', '--json');
    await local.trains(5, 2, up);
    await docker('kill', (await local.rank(1)).id);
    let whole = await local.during(up, s => s.recoveries[0]?.wholeMs != null, 'whole after the first kill');

    const more = await local.ftc('scale', 'worker=3');
    expect(more.code, more.stderr).toBe(0);
    whole = await local.trains(whole.step ?? 0, 3, up);
    await docker('kill', (await local.rank(0)).id);
    whole = await local.during(up, s => s.recoveries[1]?.wholeMs != null, 'whole after the second kill');

    const fewer = await local.ftc('scale', 'worker=1');
    expect(fewer.code, fewer.stderr).toBe(0);
    await local.trains(whole.step ?? 0, 1, up);
    await docker('kill', ...(await local.workers()).map(c => c.id));
    const resumed = await local.during(up, s => s.recoveries[2]?.resumedStep != null, 'it resumes');
    expect(resumed.recoveries.map(r => r.stepsLost)).toEqual([0, 0, expect.any(Number)]);

    const { code, stdout, stderr } = await up.ended;
    expect(code, stderr).toBe(0);
    const final = JSON.parse(stdout) as Status;
    expect(final).toMatchObject({ metrics: counted, finalDigest: undisturbed.finalDigest });
    expect(loadedIn(await local.events())).not.toEqual([]);
  });

  it('in a bucket: the same through a cache that holds less than the data, and while the store is away', async () => {
    const data = '{cache: 48k, s3: {endpoint: "http://s3:9000", credentials: login}}';
    const bucket = await create('shards-s3', jobFile('s3://shards/train', 0.02, data));
    const login = `[default]\naws_access_key_id = ${LOGIN.accessKeyId}\naws_secret_access_key = ${LOGIN.secretAccessKey}\n`;
    bucket.write('login', login);
    chmodSync(join(bucket.folder, 'login'), 0o644);
    await fill(bucket);

    const up = bucket.spawn('up', '--scale', 'worker=2', '--json');
    await bucket.trains(5, 2, up);
    await docker('stop', '--time', '1', `${bucket.name}-s3-1`);
    await heard(bucket, e => e.text.includes('waiting for s3://shards/train/'));
    await docker('start', `${bucket.name}-s3-1`);
    await heard(bucket, e => e.text.includes('answers again'));
    await docker('kill', (await bucket.rank(0)).id);
    await bucket.during(up, s => s.recoveries[0]?.wholeMs != null, 'whole after the kill');

    const { code, stdout, stderr } = await up.ended;
    expect(code, stderr).toBe(0);
    const final = JSON.parse(stdout) as Status;
    expect(final).toMatchObject({ metrics: counted, finalDigest: undisturbed.finalDigest });
    expect(final.recoveries).toHaveLength(1);
    const { stdout: held } = await docker(
      'run',
      '--rm',
      '-v',
      `${bucket.name}_cache:/cache:ro`,
      ...sizeOfCache,
    );
    expect(Number(held)).toBeLessThanOrEqual(48 * 1024);
    expect(Number(held)).toBeGreaterThan(0);
  });
});

const sizeOfCache = [
  ...['--network', 'none', '--entrypoint', 'sh', 'ftc-worker:0.1.0', '-c'],
  "find /cache/shards -type f -printf '%s\\n' | awk '{sum += $1} END {print sum + 0}'",
];

/** Starts the store that the job asks for, before the job, and puts the shards there. */
async function fill(job: TestJob): Promise<void> {
  job.write('docker-compose.yml', (await job.ftc('config')).stdout);
  job.write('.env', `FTC_BASE_IMAGE=${await smallImage(job.connection.docker)}\n`);
  const up = ['--profile', 's3', 'up', '--detach', '--build', 's3'];
  const { code, stderr } = await docker('compose', '-f', join(job.folder, 'docker-compose.yml'), ...up);
  expect(code, stderr).toBe(0);
  const { stdout } = await docker('port', `${job.name}-s3-1`, '9000/tcp');
  const endpoint = `http://${stdout.split('\n')[0]}`;
  const client = new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: LOGIN,
    maxAttempts: 10,
  });
  await client.send(new CreateBucketCommand({ Bucket: 'shards' }));
  for (const [name, text] of shards)
    await client.send(
      new PutObjectCommand({ Bucket: 'shards', Key: `train/${name}`, Body: Buffer.from(text) }),
    );
  client.destroy();
}

/** Until an event was told. */
async function heard(job: TestJob, test: (event: JobEvent) => boolean): Promise<void> {
  const until = Date.now() + 120_000;
  while (!(await job.events()).some(test)) {
    if (Date.now() > until) throw new Error('it was never told');
    await new Promise(r => setTimeout(r, 100));
  }
}
