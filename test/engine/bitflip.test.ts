import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { readEntries } from '../../chaos/journal/file.ts';
import { FOUND_WITHIN_STEPS } from '../../chaos/replicas.ts';
import { RunReport } from '../../chaos/report/schema.ts';
import { found, type Strike } from '../../chaos/strike.ts';
import { Broken, eventually } from './chaos-lab.ts';
import { TestJob } from './harness.ts';

/** Two runs of a job, on a machine that may be busy. */
const PATIENCE_MS = 10 * 60_000;

describe('a bit that flips in the memory of a worker that trains', () => {
  let lab: Broken;
  let job: TestJob;
  beforeAll(async () => {
    lab = await Broken.start('bitflip');
    job = lab.job;
  });
  afterAll(() => lab.close());

  it.each([
    ['parameter', 'model.0.weight', /^model\.0\.weight\[\d+, \d+\], bit 20: \S+ became \S+$/],
    [
      'moment',
      'optimizer.state.*.exp_avg',
      /^optimizer\.state\.\d+\.exp_avg\[[\d, ]+\], bit 20: \S+ became \S+$/,
    ],
  ])('is found and put right: a %s', async (kind, tensor, detail) => {
    const hit = await job.rank(1);
    const flip = ['--rank', '1', '--kind', kind, '--tensor', tensor, '--bit', '20'];
    const done = await job.ftc('chaos', 'bitflip', 'worker', ...flip, '--json');
    expect(done.code, done.stderr).toBe(0);
    const strike = JSON.parse(done.stdout) as Strike;
    expect(strike.hits).toMatchObject([
      { container: hit.name, detail: expect.stringMatching(detail) as string },
    ]);
    expect(found(strike), done.stdout).toBeGreaterThan(0);
    expect(strike).toMatchObject({ whole: true, recovery: null });
    const event = (await job.events()).findLast(e => e.kind === 'replicas');
    const from = strike.hits[0]?.atStep ?? 0;
    expect(event?.step).toBeGreaterThanOrEqual(from);
    expect(event?.step).toBeLessThanOrEqual(from + 2 * FOUND_WITHIN_STEPS);
    expect((await job.connection.engine.inspect(hit.id))?.startedAt).toBe(hit.startedAt);
    await lab.whole();
    expect(await lab.leftovers(hit)).toEqual([]);
  });

  it('says what there is where what was asked for is not there, and changes nothing', async () => {
    const before = await job.until(() => true, 'the master answers');
    const none = await job.ftc('chaos', 'bitflip', 'worker', '--tensor', 'model.77.weight');
    expect([none.code, none.stderr]).toEqual([
      5,
      expect.stringMatching(/no tensor model\.77\.weight; it has .*model\./),
    ]);
    const bit = await job.ftc('chaos', 'bitflip', 'worker', '--tensor', 'model.0.weight', '--bit', '32');
    expect([bit.code, bit.stderr]).toEqual([5, expect.stringContaining('no bit 32: its last is 31')]);
    const standby = await job.ftc('chaos', 'bitflip', 'standby');
    expect([standby.code, standby.stderr]).toEqual([2, expect.stringContaining('bitflip takes worker')]);
    const { replicas } = await job.until(() => true, 'the master answers');
    expect(replicas.mismatches).toBe(before.replicas.mismatches);
  });

  it('leaves nothing when ftc is killed in the middle of it', async () => {
    const hit = await job.rank(1);
    const before = readEntries(job.folder, job.name).length;
    const command = job.spawn('chaos', 'bitflip', 'worker', '--rank', '1', '--bit', '20');
    await eventually('it is in the journal', () =>
      readEntries(job.folder, job.name)
        .slice(before)
        .some(e => e.type === 'fault'),
    );
    command.kill('SIGKILL');
    await command.ended;
    const healed = await job.ftc('chaos', 'heal');
    expect(healed.code, healed.stderr).toBe(0);
    await lab.whole();
    expect(await lab.leftovers(hit)).toEqual([]);
  });
});

describe('where nobody tells of their tensors', () => {
  let job: TestJob;
  afterEach(() => job.close());

  it('is said so', async () => {
    job = await TestJob.create('bitflip-torchrun', 'script: train.py\nworkers: 2\n');
    job.write(
      'train.py',
      'import os, time\nimport torch.distributed as dist\ndist.init_process_group("gloo")\ntime.sleep(600)\n',
    );
    const up = await job.ftc('up', '-d');
    expect(up.code, up.stderr).toBe(0);
    await job.until(s => s.state === 'running' && s.worldSize === 2, 'both run');
    const done = await job.ftc('chaos', 'bitflip', 'worker');
    expect([done.code, done.stderr]).toEqual([5, expect.stringContaining('torchrun launched it')]);
  });
});

describe('the scenario', () => {
  let job: TestJob;
  afterEach(() => job.close());

  it(
    'holds: each flip is found and put right, with the bits of the undisturbed run',
    async () => {
      job = await TestJob.create('bitflip-run');
      const done = await job.ftc('chaos', 'run', 'bitflip', '--seed', '3', '--report', 'out');
      expect(done.code, done.stdout + done.stderr).toBe(0);
      const [file = ''] = readdirSync(join(job.folder, 'out')).filter(name => name.endsWith('.json'));
      const report = RunReport.parse(JSON.parse(readFileSync(join(job.folder, 'out', file), 'utf8')));
      expect(report.conclusion).toBe('holds');
      expect(report.evidence?.faults).toHaveLength(3);
      expect(report.evidence?.replicas.mismatches).toBeGreaterThanOrEqual(3);
      expect(report.evidence?.digest).toBe(report.undisturbed?.digest);
    },
    PATIENCE_MS,
  );
});
