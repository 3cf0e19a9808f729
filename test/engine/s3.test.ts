/** Copies of checkpoints in a real S3-compatible server, and everything that goes wrong on the way there and back. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStore } from '../../src/master/s3/aws.ts';
import { Secrets } from '../../src/master/s3/secrets.ts';
import type { ObjectStore } from '../../src/master/s3/store.ts';
import type { JobEvent } from '../../src/api/event.ts';
import type { Status } from '../../src/api/status.ts';
import { docker, type Ended, TestJob, TINY } from './harness.ts';

const BULKY = join(import.meta.dirname, 'jobs/bulky.py');
/** Nothing that anybody may read anywhere. */
const KEY = 'AKIACANARYACCESSKEY';
const SECRET = 'hunter2canary/secret+key';
const canary = /CANARYACCESS|hunter2canary/;

const local = 'endpoint: "http://s3:9000"';

/** A job file; `s3` are the keys of checkpoint.s3 besides endpoint and bucket. */
const jobFile = (steps: number, every: number, pause: number, s3: string | null): string => `
script: train.py
args: ["${pause}"]
steps: ${steps}
workers: 2
virtualRanks: 2
checkpoint:
  every: ${every}
  keep: 2
${s3 === null ? '' : `  s3: {bucket: runs, ${s3}}`}
recovery: { backoff: { initial: 300ms } }
`;

async function create(label: string, script: string, file: string): Promise<TestJob> {
  const job = await TestJob.create(label, file);
  job.write('train.py', readFileSync(script, 'utf8'));
  return job;
}

async function remove(job: TestJob): Promise<void> {
  const { stdout } = await docker('ps', '-aq', '--filter', `label=io.ftc.job=${job.name}`);
  await docker('rm', '--force', '--volumes', ...stdout.split('\n').filter(Boolean));
  await job.close();
  await docker('volume', 'rm', '--force', `${job.name}_s3`);
}

/** The store beside a job, as anybody on this machine sees it. */
async function storeOf(job: TestJob): Promise<ObjectStore> {
  const { stdout } = await docker('port', `${job.name}-s3-1`, '9000/tcp');
  const login = { kind: 'keys', id: KEY, secret: SECRET, token: '' } as const;
  const place = { bucket: 'runs', base: `${job.name}/`, endpoint: `http://${stdout.split('\n')[0]}` };
  const rest = {
    region: 'us-east-1',
    pathStyle: true,
    keep: null,
    keepEvery: null,
    restoreTimeoutMs: 0,
    caBundle: null,
  };
  const store = openStore({ ...place, ...rest, login }, new Secrets());
  // It may be on its way up.
  while (!(await store.list('').catch(() => null))) await sleep(200);
  return store;
}

const stepsIn = async (store: ObjectStore): Promise<number[]> =>
  (await store.list(''))
    .filter(o => o.key.endsWith('manifest.json'))
    .map(o => Number(/step-(\d+)/.exec(o.key)?.[1]));

async function logs(job: TestJob): Promise<string> {
  const { stdout } = await docker('ps', '-aq', '--filter', `label=io.ftc.job=${job.name}`);
  const all = await Promise.all(
    stdout
      .split('\n')
      .filter(Boolean)
      .map(id => docker('logs', id)),
  );
  return all.map(({ stdout: out, stderr }) => out + stderr).join('\n');
}

describe('a job with a store beside it', () => {
  let job: TestJob;
  let quiet: TestJob;
  /** All that anybody could read: outputs, files, logs, answers. */
  const said: string[] = [];
  const seen: Record<string, Status> = {};
  let listed: string[] = [];
  let inspected = '';
  let leftUploads = -1;
  let stoppedAt = 0;
  let copiedAtEnd: number[] = [];
  let events: JobEvent[] = [];
  let expected: Status;
  let final: Ended;
  let here: number[] = [];

  beforeAll(async () => {
    process.env['AWS_ACCESS_KEY_ID'] = KEY;
    process.env['AWS_SECRET_ACCESS_KEY'] = SECRET;
    quiet = await create('s3-quiet', BULKY, jobFile(800, 800, 0, null));
    const undisturbed = await quiet.ftc('up', '--json');
    expect(undisturbed.code, undisturbed.stderr).toBe(0);
    expected = JSON.parse(undisturbed.stdout) as Status;

    job = await create('s3', BULKY, jobFile(800, 40, 0.05, local));
    const up = job.spawn('up', '--json');
    await job.during(up, s => (s.s3?.uploadedStep ?? 0) > 0, 'the first copy is there');

    // The store is gone for a while: training hears nothing of it.
    await docker('stop', '--time', '1', `${job.name}-s3-1`);
    seen['gone'] = await job.during(
      up,
      s => s.s3?.state === 'retrying' && s.s3.backlogSteps > 0,
      'copies wait for the store',
    );
    const { step } = seen['gone'];
    await job.during(up, s => (s.step ?? 0) > (step ?? 0) + 5, 'training goes on');
    await docker('start', `${job.name}-s3-1`);
    seen['back'] = await job.during(
      up,
      s => s.s3?.state === 'ok' && (s.s3.uploadedStep ?? 0) > (step ?? 0),
      'what waited is copied',
    );

    // The master dies in the middle of a copy.
    seen['copying'] = await job.during(up, s => s.s3?.uploading != null, 'a copy is on its way');
    await docker('kill', (await job.one('master')).id);
    seen['again'] = await job.during(
      up,
      s => (s.s3?.uploadedStep ?? 0) > (seen['copying']?.s3?.uploading ?? 0),
      'the next master copies on',
    );
    said.push(JSON.stringify(await job.events()), JSON.stringify(seen['again']));

    up.kill('SIGINT');
    const stopped = await up.ended;
    expect(stopped.code, stopped.stderr).toBe(130);
    said.push(stopped.stdout, stopped.stderr);
    stoppedAt = Number(/stopped after step (\d+)/.exec(stopped.stderr)?.[1]);
    await docker('start', `${job.name}-s3-1`);

    // One that is damaged there, and nothing here.
    const store = await storeOf(job);
    copiedAtEnd = await stepsIn(store);
    leftUploads = await store.abortUploads('', () => true);
    const newest = Math.max(...(await stepsIn(store)));
    const key = `${job.name}/step-${String(newest).padStart(8, '0')}/state.pt`;
    const bytes = await whole(store, key);
    bytes[bytes.length >> 1]! ^= 0xff;
    await store.put(key, pieces(bytes), bytes.length, 'damaged');
    store.close();
    said.push(await logs(job));
    const down = await job.ftc('down', '--volumes');
    said.push(down.stdout, down.stderr);
    const { stdout: volumes } = await docker('volume', 'ls', '--quiet', '--filter', `name=${job.name}_`);
    expect(volumes.trim()).toBe(`${job.name}_s3`);

    job.write('ftc.yaml', jobFile(800, 40, 0, local));
    const rest = job.spawn('up', '--json');
    seen['restored'] = await job.during(
      rest,
      s => s.s3?.restoredStep != null && s.step !== null,
      'it goes on',
    );
    final = await rest.ended;
    events = await job.events();
    const end = await storeOf(job);
    for (;;) {
      const { s3 } = JSON.parse((await job.ftc('status', '--json')).stdout) as Status;
      listed = (await end.list('')).map(o => `${o.key} ${o.etag}`);
      // Old ones go last.
      if (s3?.backlogSteps === 0 && listed.length === 4) break;
      await sleep(100);
    }
    end.close();
    const { stdout: rows } = await job.ftc('checkpoints', '--json');
    here = (JSON.parse(rows) as { step: number }[]).map(row => row.step).sort((a, b) => a - b);
    inspected = (await docker('inspect', (await job.one('master')).id)).stdout;
    said.push(final.stdout, final.stderr, JSON.stringify(events), await logs(job));
    for (const args of [
      ['config'],
      ['status'],
      ['status', '--json'],
      ['logs'],
      ['logs', '--raw'],
      ['ps', '--json'],
    ]) {
      const { stdout, stderr } = await job.ftc(...args);
      said.push(stdout, stderr);
    }
    said.push(readFileSync(join(job.folder, `.ftc/${job.name}.yaml`), 'utf8'));
  }, 600_000);
  afterAll(async () => {
    delete process.env['AWS_ACCESS_KEY_ID'];
    delete process.env['AWS_SECRET_ACCESS_KEY'];
    await remove(quiet);
    await remove(job);
  });

  it('trains on while the store is gone, says what waits, and catches up', () => {
    expect(seen['gone']?.s3?.lastError).toMatch(/^s3:9000: /);
    expect(seen['gone']?.s3?.backlogBytes).toBeGreaterThan(20e6);
    expect(seen['gone']?.recoveries).toEqual([]);
    expect(seen['back']?.s3).toMatchObject({ state: 'ok', lastError: null });
  });

  it('goes on copying after its master was killed in the middle of one, and leaves no half of it', () => {
    expect(seen['copying']?.s3?.uploading).not.toBeNull();
    expect(seen['again']?.recoveries).toEqual([]);
    expect(leftUploads).toBe(0);
  });

  it('finishes what is on its way when all is stopped', () => {
    expect(Math.max(...copiedAtEnd)).toBe(stoppedAt);
  });

  it('copies in parts, and keeps there as many as here', () => {
    const states = listed.filter(line => line.includes('state.pt'));
    expect(states).toHaveLength(2);
    // An object that was sent in parts has their number in its tag.
    for (const line of states) expect(line).toMatch(/-3"$/);
    const kept = states.map(line => Number(/step-(\d+)/.exec(line)?.[1])).sort((a, b) => a - b);
    expect(kept).toEqual(here);
    expect(kept.at(-1)).toBe(800);
  });

  it('goes on from the newest copy that verifies, after the volume is gone, to the very same bits', () => {
    const restored = seen['restored']?.s3?.restoredStep ?? 0;
    expect(restored).toBeGreaterThan(0);
    expect(restored).toBeLessThan(stoppedAt);
    const facts = events.map(e => e.fact);
    const reason = 'state.pt does not have the SHA-256 of its manifest';
    expect(facts).toContainEqual({ what: 's3-copy-damaged', step: stoppedAt, reason, copiedAgain: false });
    expect(facts).toContainEqual(expect.objectContaining({ what: 's3-restored', step: restored }));
    expect(final.code, final.stderr).toBe(0);
    const status = JSON.parse(final.stdout) as Status;
    expect(status).toMatchObject({ state: 'succeeded', step: 800, finalDigest: expected.finalDigest });
  });

  it('never shows what it logs in with', () => {
    // Who may ask the engine may know: the container was given it.
    expect(inspected).toMatch(canary);
    const all = said.join('\n');
    // It is all there: the store's name, the copies, the failures.
    for (const word of [
      'FTC_S3_BUCKET',
      'is in S3, after',
      'checkpoints are not copied to S3',
      'AWS_SECRET_ACCESS_KEY',
    ])
      expect(all).toContain(word);
    expect(all.split('\n').filter(line => canary.test(line))).toEqual([]);
  });
});

describe('a store that refuses', () => {
  let job: TestJob;
  let ended: Ended;
  let refused: Status;
  let events: JobEvent[];
  let text = '';

  beforeAll(async () => {
    const file = jobFile(240, 20, 0.05, `${local}, credentials: keys`);
    job = await create('s3-no', TINY, file);
    const keys = (secret: string) =>
      job.write('keys', `[default]\naws_access_key_id = ${KEY}\naws_secret_access_key = ${secret}\n`);
    keys(SECRET);
    const up = job.spawn('up', '--json');
    await job.during(up, s => (s.s3?.uploadedStep ?? 0) > 0, 'the first copy is there');
    keys('another-hunter2canary');
    // Who starts anew reads the file.
    await docker('restart', '--time', '0', (await job.one('master')).id);
    refused = await job.during(up, s => s.s3?.state === 'refused' && s.s3.backlogSteps > 0, 'it is refused');
    keys(SECRET);
    await job.during(up, s => s.s3?.state === 'ok' && s.s3.backlogSteps === 0, 'it is let in again');
    ended = await up.ended;
    events = await job.events();
    text = ended.stderr + JSON.stringify(events) + (await logs(job)) + (await job.ftc('config')).stdout;
  });
  afterAll(() => remove(job));

  it('is told from one that is gone, and does not concern training', () => {
    expect(ended.code, ended.stderr).toBe(0);
    expect(refused.s3?.lastError).toBe(
      's3:9000: the secret key is not the one of the access key (SignatureDoesNotMatch)',
    );
    expect(events.filter(e => e.kind === 's3')).toMatchObject([
      { level: 'warn', fact: { what: 's3-failing', doing: 'copying', kind: 'refused' } },
      { level: 'info', fact: { what: 's3-answers' } },
    ]);
  });

  it('hears of no key in any line', () => {
    expect(text).toContain('AWS_SHARED_CREDENTIALS_FILE');
    expect(text.split('\n').filter(line => canary.test(line))).toEqual([]);
  });
});

describe('an empty volume, and a bucket that nobody can reach', () => {
  let job: TestJob;
  let ended: Ended;
  let waiting: Status;

  beforeAll(async () => {
    const file = jobFile(20, 10, 0.01, 'endpoint: "http://nowhere.invalid:9000", restoreTimeout: 20s');
    job = await create('s3-lost', TINY, file);
    process.env['AWS_ACCESS_KEY_ID'] = KEY;
    process.env['AWS_SECRET_ACCESS_KEY'] = SECRET;
    const up = job.spawn('up', '--json');
    waiting = await job.during(
      up,
      s => s.reason?.startsWith('nothing is restored') === true && s.workers.some(w => w.state === 'ready'),
      'workers wait',
    );
    ended = await up.ended;
  });
  afterAll(async () => {
    delete process.env['AWS_ACCESS_KEY_ID'];
    delete process.env['AWS_SECRET_ACCESS_KEY'];
    await remove(job);
  });

  it('is waited for, and then said aloud: the job starts at step 0', () => {
    expect(waiting).toMatchObject({ state: 'waiting', worldSize: 0 });
    expect(waiting.reason).toMatch(
      /^nothing is restored from S3 yet: nowhere\.invalid:9000: its name is not known/,
    );
    expect(ended.code, ended.stderr).toBe(0);
    expect(ended.stderr).toMatch(/x nothing could be restored from S3 for 20 s .*training starts at step 0/);
    expect(ended.stderr).toMatch(/S3: 2 of its checkpoints are not there yet/);
  });
});

async function whole(store: ObjectStore, key: string): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of (await store.get(key)) ?? []) parts.push(part);
  return Buffer.concat(parts);
}

async function* pieces(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += 1 << 18)
    yield await Promise.resolve(bytes.subarray(at, at + (1 << 18)));
}
