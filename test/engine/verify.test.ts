import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { VerifyReport } from '../../src/verify/verdict.ts';
import { docker, TestJob, TINY } from './harness.ts';

const EVERYTHING = join(import.meta.dirname, 'jobs/everything.py');

const jobFile = (steps: string): string => `script: train.py
${steps}
checkpoint: { every: 20 }
recovery: { backoff: { initial: 300ms } }
`;

/** Several runs, on a machine that may be busy. A verification that stands still says so long before. */
const PATIENCE_MS = 12 * 60_000;

let job: TestJob;
afterEach(async () => {
  await job.close();
  for (const [list, remove] of kinds) {
    const { stdout } = await docker(...list, '--quiet', '--filter', `label=io.ftc.verify=${job.name}`);
    const ids = stdout.split('\n').filter(Boolean);
    if (ids.length > 0) await docker(...remove, ...ids);
  }
});

const kinds = [
  [
    ['ps', '--all'],
    ['rm', '--force', '--volumes'],
  ],
  [
    ['network', 'ls'],
    ['network', 'rm'],
  ],
  [
    ['volume', 'ls'],
    ['volume', 'rm'],
  ],
] as const;

async function create(label: string, steps: string, script: string): Promise<void> {
  job = await TestJob.create(label, jobFile(steps));
  job.write('train.py', script);
}

/** Containers, networks and volumes of the verifications of this job. */
async function left(): Promise<string[]> {
  const filter = ['--quiet', '--filter', `label=io.ftc.verify=${job.name}`];
  const found = await Promise.all(kinds.map(([list]) => docker(...list, ...filter)));
  return found.flatMap(({ stdout }) => stdout.split('\n').filter(Boolean));
}

describe('ftc verify', () => {
  it(
    'finds the same bits after kills, a pause and a dead master, beside a job of the same name that it leaves alone',
    async () => {
      // A job of one's own that hardly does anything, for as long as the verification takes.
      await create('verify', 'steps: 1000\nargs: ["4"]', readFileSync(TINY, 'utf8'));
      const own = job.spawn('up', '--scale', 'worker=1');
      await job.until(s => s.state === 'running', 'the own job trains');
      job.write('ftc.yaml', jobFile('steps: 200'));
      const before = await job.containers();

      const { code, stdout, stderr } = await job.ftc('verify', '--json', '--seed', '1');
      expect(code, stderr + stdout).toBe(0);
      const report = JSON.parse(stdout) as VerifyReport;
      expect(report).toMatchObject({
        verdict: 'same bits',
        equal: true,
        seed: 1,
        stepsLost: 0,
        reason: null,
      });
      const [quiet, broken] = report.runs;
      expect(quiet).toMatchObject({
        workers: 3,
        standbys: 0,
        disturbed: false,
        faults: [],
        stepsLost: 0,
        steps: 200,
      });
      expect(broken).toMatchObject({
        workers: 3,
        standbys: 1,
        disturbed: true,
        steps: 200,
        digest: report.digest,
      });
      expect(quiet?.digest).toBe(report.digest);
      const applied = broken?.faults.map(f => f.fault) ?? [];
      expect(applied.filter(f => f === 'kill a worker').length).toBeGreaterThanOrEqual(2);
      expect(applied).toContain('kill the master');
      for (const hit of broken?.faults.flatMap(f => f.hits) ?? [])
        expect(hit.container).toMatch(broken?.project ?? '-');
      expect(report.losses).toBeGreaterThanOrEqual(2);
      expect(report.resumedMs.median).toBeGreaterThan(0);

      expect(await left()).toEqual([]);
      const unchanged = (c: (typeof before)[number]): unknown[] => [c.id, c.startedAt, c.pid, c.state];
      expect((await job.containers()).map(unchanged)).toEqual(before.map(unchanged));
      own.kill('SIGKILL');
    },
    PATIENCE_MS,
  );

  it('finds out a job whose result is not repeatable', async () => {
    const tiny = readFileSync(TINY, 'utf8');
    const script = tiny.replace(
      /( *)job\.register\(/,
      '$1with torch.no_grad():\n$1    next(model.parameters()).mul_(1 + os.urandom(1)[0] / 256)\n$1job.register(',
    );
    expect(script).toContain('urandom');
    await create('random', 'steps: 60', script);
    const { code, stdout, stderr } = await job.ftc('verify', '--scale', 'worker=2');
    expect(code, stderr).toBe(7);
    expect(stderr).toContain('different bits: the runs ended with different digests');
    expect(stdout).toContain('✘ different bits: 2 runs');
    expect(stdout).toMatch(/digest of run 2: [0-9a-f]{64}/);
  });

  it('a job whose slices depend on the process does not get that far', async () => {
    const script = readFileSync(TINY, 'utf8').replace(
      'job.step(F.cross_entropy(model(batch.x), batch.y))',
      'job.step(F.cross_entropy(model(batch.x), batch.y) * (1 + os.urandom(1)[0] / 256))',
    );
    expect(script).toContain('urandom');
    await create('random', 'steps: 60', script);
    const { code, stderr } = await job.ftc('verify', '--scale', 'worker=2');
    expect([code, stderr]).toEqual([
      4,
      expect.stringContaining('the first slice of step 1 has another result'),
    ]);
  });

  it('says that nothing is proved where no fault came in time', async () => {
    await create('late', 'steps: 20', readFileSync(TINY, 'utf8'));
    job.write('faults.yaml', '- { at: step 500, kill: worker }\n');
    const { code, stdout, stderr } = await job.ftc(
      'verify',
      '--scale',
      'worker=1',
      '--faults',
      'faults.yaml',
    );
    expect([code, stderr]).toEqual([7, expect.stringContaining('no fault hit: nothing is proved')]);
    expect(stdout).toContain('the end came before kill a worker at step 500');
  });

  it('names line and column of what is wrong in a faults file, and starts nothing', async () => {
    await create('faults', 'steps: 20', readFileSync(TINY, 'utf8'));
    job.write('faults.yaml', '- at: step 10\n  kil: worker\n');
    const { code, stderr } = await job.ftc('verify', '--faults', 'faults.yaml');
    expect(code).toBe(2);
    expect(stderr).toContain('faults.yaml:2:3: kil is no key of a fault; did you mean "kill"?');
    const many = await job.ftc('verify', '--workers', '2,13');
    expect([many.code, many.stderr]).toEqual([2, expect.stringContaining('12 virtual ranks')]);
    expect(await left()).toEqual([]);
  });

  it('cleans up at Ctrl+C; what a kill of it left, the next one or "ftc down" removes', async () => {
    await create('stopped', 'steps: 100000', readFileSync(TINY, 'utf8'));
    const run = job.other(`${job.name}-verify-1`);
    const trains = (running: ReturnType<TestJob['spawn']>): Promise<unknown> =>
      run.during(running, s => (s.step ?? 0) > 3, 'the undisturbed run trains');
    const first = job.spawn('verify', '--scale', 'worker=1');
    await trains(first);
    const second = await job.ftc('verify');
    expect([second.code, second.stderr]).toEqual([5, expect.stringContaining('is running (process')]);
    first.kill('SIGINT');
    expect((await first.ended).code).toBe(130);
    expect(await left()).toEqual([]);

    const killed = job.spawn('verify', '--scale', 'worker=1');
    await trains(killed);
    killed.kill('SIGKILL');
    await killed.ended;
    expect((await left()).length).toBeGreaterThan(3);
    expect((await job.ftc('down')).code).toBe(0);
    expect(await left()).toEqual([]);
  });
});

describe('the same bits', () => {
  it(
    'come out of 1, 2, 3 and 6 workers, whatever dies, with all that makes it hard',
    async () => {
      await create('matrix', 'epochs: 12', readFileSync(EVERYTHING, 'utf8'));
      job.write(
        'faults.yaml',
        `
- { at: step 15, kill: worker }
- { at: step 30, pause: worker, for: 300ms }
- { at: step 40, kill: master }
- { at: step 60, kill: worker, rank: 0 }
- { at: step 85, kill: all }
- { at: step 110, kill: worker }
`,
      );
      const verify = await job.ftc(
        'verify',
        '--workers',
        '1,2,3,6',
        '--faults',
        'faults.yaml',
        '--json',
        '--seed',
        '5',
      );
      expect(verify.code, verify.stderr + verify.stdout).toBe(0);
      const report = JSON.parse(verify.stdout) as VerifyReport;
      expect(report.runs.map(r => [r.workers, r.disturbed, r.digest])).toEqual(
        [
          [1, false],
          [1, true],
          [2, true],
          [3, true],
          [6, true],
        ].map(shape => [...shape, report.digest]),
      );
      for (const run of report.runs.slice(1)) expect(run.faults.length).toBeGreaterThanOrEqual(3);
      expect(report).toMatchObject({ equal: true, stepsLost: 0 });
    },
    PATIENCE_MS,
  );
});
