/** A person looks after a job's checkpoints: while it runs, when one rots, and when only the volume is left. */
import { createHash } from 'node:crypto';
import { chownSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CheckpointRow } from '../../src/api/checkpoint-row.ts';
import type { JobEvent } from '../../src/api/event.ts';
import type { Status } from '../../src/api/status.ts';
import { docker, type Ended, TestJob, TINY } from './harness.ts';
import { inVolume, volumeFiles } from './volume.ts';

const CLI = join(import.meta.dirname, '../../dist/cli.js');
const JOB = `script: train.py
args: ["0.2"]
workers: 2
virtualRanks: 2
steps: 200
checkpoint: { every: 10, keep: 3, keepEvery: 5, scrub: 1s }
`;

let job: TestJob;
const volume = () => `${job.name}_checkpoints`;
const sha256 = (data: Buffer) => createHash('sha256').update(data).digest('hex');
const json = ({ code, stdout, stderr }: Ended): unknown => {
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout);
};
const list = async () => json(await job.ftc('checkpoints', '--json')) as CheckpointRow[];
const steps = (rows: readonly CheckpointRow[]) => rows.map(row => row.step);

/** Flips one bit of a checkpoint's state, with plain docker. */
async function flip(step: number): Promise<void> {
  const file = `${job.name}/step-${String(step).padStart(8, '0')}/state.pt`;
  // od, not dd alone: what is written must differ from what was there.
  await inVolume(
    job.connection,
    volume(),
    `b=$(od -An -tu1 -j 1000 -N 1 ${file}); printf "\\\\$(printf %03o $((b ^ 4)))" | dd of=${file} bs=1 seek=1000 conv=notrunc`,
  );
}

/** The first event that fits; waits for what the master finds by itself. */
async function event(fits: (e: JobEvent) => boolean): Promise<JobEvent> {
  for (;;) {
    const found = (await job.events()).find(fits);
    if (found) return found;
    await sleep(100);
  }
}

/** The manifest as it is in the volume. */
async function manifest(step: number): Promise<{ step: number; files: Record<string, { sha256: string }> }> {
  const path = `${job.name}/step-${String(step).padStart(8, '0')}/manifest.json`;
  return JSON.parse(await inVolume(job.connection, volume(), `cat ${path}`)) as Awaited<
    ReturnType<typeof manifest>
  >;
}

/**
 * All that can be asked while something answers; the same whoever that is. Step 50 is damaged, 200 the latest.
 * @param known whoever answers remembers that it is
 */
function asked(known: boolean): void {
  it('verifies all, or one; the exit code says whether all are valid', async () => {
    const all = await job.ftc('checkpoints', 'verify', '--json');
    expect([all.code, all.stderr]).toEqual([8, '']);
    const { valid, checkpoints } = JSON.parse(all.stdout) as { valid: boolean; checkpoints: CheckpointRow[] };
    expect([valid, checkpoints.map(row => [row.step, row.state])]).toEqual([
      false,
      [...[200, 190, 180, 150, 100].map(step => [step, 'valid']), [50, 'damaged']],
    ]);
    expect(await job.ftc('checkpoints', 'verify', 'latest')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^✔ step 200: valid, .*\nit is valid$/) as string,
    });
    expect(await job.ftc('checkpoints', 'verify', '50')).toMatchObject({
      code: 8,
      stdout: expect.stringContaining('✘ step 50: damaged: state.pt does not have the SHA-256') as string,
    });
    expect(await job.ftc('checkpoints', 'verify', '7')).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('There are those of 200, 190, 180, 150, 100, 50.') as string,
    });
  });

  it('exports the state, the whole, or to a pipe; never over a file, never what is damaged', async () => {
    const { files } = await manifest(200);
    const said = files['state.pt']?.sha256;
    const file = (name: string) => join(job.folder, name);
    const before = readdirSync(job.folder);
    const state = json(await job.ftc('checkpoints', 'export', 'latest', 'model.pt', '--json')) as {
      sha256: string;
      step: number;
    };
    expect([state.step, state.sha256, sha256(readFileSync(file('model.pt')))]).toEqual([200, said, said]);
    const again = await job.ftc('checkpoints', 'export', '100', 'model.pt');
    expect([again.code, again.stderr]).toEqual([6, expect.stringContaining('model.pt exists already')]);
    expect((await job.ftc('checkpoints', 'export', '100', 'model.pt', '--force')).code).toBe(0);
    expect(sha256(readFileSync(file('model.pt')))).toBe((await manifest(100)).files['state.pt']?.sha256);
    expect((await job.ftc('checkpoints', 'export', '200', 'all.tar')).code).toBe(0);
    await execa('tar', ['-xf', 'all.tar'], { cwd: job.folder });
    expect(sha256(readFileSync(file('step-00000200/state.pt')))).toBe(said);
    expect(JSON.parse(readFileSync(file('step-00000200/manifest.json'), 'utf8'))).toEqual(
      await manifest(200),
    );
    await execa('rm', ['-r', 'all.tar', 'model.pt', 'step-00000200'], { cwd: job.folder });
    const damaged = await job.ftc('checkpoints', 'export', '50', 'bad.pt');
    expect([damaged.code, damaged.stderr]).toEqual([8, expect.stringContaining('step 50 is damaged')]);
    const piped = await execa(
      'sh',
      ['-c', '"$0" "$1" checkpoints export latest - | sha256sum', process.execPath, CLI],
      { cwd: job.folder, env: { JOB_ID: job.name } },
    );
    expect(piped.stdout).toBe(`${said}  -`);
    expect(readdirSync(job.folder)).toEqual(before);
  });

  it('says what pruning would remove', async () => {
    const rules = ['--keep', '1', '--keep-every', '10'];
    const dry = json(await job.ftc('checkpoints', 'prune', ...rules, '--dry-run', '--json')) as {
      removed: CheckpointRow[];
    };
    expect(steps(dry.removed)).toEqual([...(known ? [] : [50]), 150, 180, 190]);
    expect((await job.ftc('checkpoints', 'prune')).stdout).toMatch(
      /^nothing to remove\nkept 6: the 3 newest/,
    );
    expect(steps(await list())).toEqual([200, 190, 180, 150, 100, 50]);
  });
}

describe('the checkpoints of a job', () => {
  let ended: Ended;
  let told: JobEvent;

  beforeAll(async () => {
    job = await TestJob.create('checkpoints', JOB);
    job.write('train.py', readFileSync(TINY, 'utf8'));
    const up = job.spawn('up');
    await job.during(up, s => (s.step ?? 0) > 60, 'it has checkpoints');
    await flip(50);
    told = await event(e => e.level === 'error');
    ended = await up.ended;
  });
  afterAll(() => job.close());

  it('are scrubbed: rot is an event, and shown; training goes on', async () => {
    expect(told).toMatchObject({ kind: 'checkpoint', step: 50 });
    expect(told.fact).toMatchObject({
      ...{ what: 'checkpoint-damaged', problem: 'state.pt does not have the SHA-256 of its manifest' },
      left: { verified: true },
    });
    expect(ended.code, ended.stderr).toBe(0);
    expect(ended.stderr).toContain(told.text);
    const { stdout } = await job.ftc('status');
    expect(stdout).toContain('checkpoint of step 50 is damaged');
    const status = json(await job.ftc('status', '--json')) as Status;
    expect(status.checkpoint).toMatchObject({
      last: { step: 200, bytes: expect.any(Number) as number },
      damaged: [{ step: 50 }],
    });
  });

  it('are those that retention keeps, and the damaged one', async () => {
    let rows = await list();
    // The last that was known to be valid stays until a newer one is.
    while (rows.length > 6) rows = await list();
    expect(rows.map(row => [row.step, row.latest, row.pinned])).toEqual([
      [200, true, true],
      [190, false, false],
      [180, false, false],
      [150, false, true],
      [100, false, true],
      [50, false, true],
    ]);
    expect(rows.at(-1)?.state).toBe('damaged');
    expect((await job.ftc('checkpoints')).stdout).toMatch(/^ +200 .* latest, pinned$/m);
    await event(e => e.fact?.what === 'checkpoint-published' && e.fact.step === 200);
  });

  describe('while its master runs', () => asked(true));

  describe('after "ftc down"', () => {
    beforeAll(async () => {
      expect((await job.ftc('down')).code).toBe(0);
      expect(await job.containers()).toEqual([]);
    });

    it('are still listed, and nothing is left of the looking', async () => {
      const rows = await list();
      expect(steps(rows)).toEqual([200, 190, 180, 150, 100, 50]);
      expect(new Set(rows.map(row => row.state))).toEqual(new Set(['unverified']));
      const { stdout } = await docker('ps', '-aq', '--filter', `label=io.ftc.job=${job.name}`);
      expect(stdout).toBe('');
    });

    asked(false);

    it('are pruned, but for the last that is whole', async () => {
      for (const step of [190, 200]) await flip(step);
      const pruned = await job.ftc('checkpoints', 'prune', '--keep', '1', '--keep-every', '1000');
      expect([pruned.code, pruned.stderr]).toEqual([0, '']);
      // 50 is damaged as well, and nobody has looked at it.
      expect(pruned.stdout).toMatch(/^removed 3 .*: steps 50, 100, 150\n/);
      expect(steps(await list())).toEqual([200, 190, 180]);
      const left = await volumeFiles(job.connection, volume());
      expect(left.filter(path => path.includes('.tmp-'))).toEqual([]);
    });

    it('are gone with the volume, and that is said', async () => {
      expect((await job.ftc('down', '--volumes')).code).toBe(0);
      const { code, stderr } = await job.ftc('checkpoints');
      expect([code, stderr]).toEqual([5, expect.stringContaining(`there is no volume ${volume()}`)]);
    });
  });
});

it('in a directory of the host are looked after in the same way, and as its owner', async () => {
  job = await TestJob.create('checkpoint-dir', JOB.replace('steps: 200', 'steps: 40'));
  try {
    job.write('train.py', readFileSync(TINY, 'utf8'));
    const path = join(job.folder, 'saved');
    mkdirSync(path);
    chownSync(path, 1234, 1234);
    const up = await job.ftc('up', '--checkpoint-dir', 'saved');
    expect(up.code, up.stderr).toBe(0);
    expect((await job.ftc('down')).code).toBe(0);
    // The job file does not name the directory: what was started is known from "ftc up".
    expect(steps(await list()).slice(0, 3)).toEqual([40, 30, 20]);
    expect((await job.ftc('checkpoints', 'verify')).stdout).toMatch(/all \d are valid$/);
    expect((await job.ftc('checkpoints', 'prune', '--keep', '1')).code).toBe(0);
    expect(readdirSync(join(path, job.name)).filter(name => name.startsWith('step-'))).toEqual([
      'step-00000040',
    ]);
  } finally {
    await job.close();
  }
});
