import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { IndexReport, RunReport } from '../../chaos/report/schema.ts';
import { SoakReport } from '../../chaos/soak/tally.ts';
import { docker, TestJob } from './harness.ts';

/** Several runs, on a machine that may be busy. */
const PATIENCE_MS = 10 * 60_000;

let job: TestJob;
afterEach(async () => {
  await job.close();
  for (const [list, remove] of kinds) {
    const ids = await labelled(list);
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

async function labelled(list: readonly string[]): Promise<string[]> {
  const { stdout } = await docker(...list, '--quiet', '--filter', `label=io.ftc.experiment=${job.name}`);
  return stdout.split('\n').filter(Boolean);
}

/** Containers, networks and volumes of the chaos runs of this test. */
const left = async (): Promise<string[]> => (await Promise.all(kinds.map(([list]) => labelled(list)))).flat();

/** Projects of runs of this test in which a helper container does a fault. A run takes the first number that is free. */
async function helpers(): Promise<string[]> {
  const format = ['--format', '{{.Label "io.ftc.chaos"}}'];
  const { stdout } = await docker('ps', '--filter', 'label=io.ftc.chaos', ...format);
  return stdout.split('\n').filter(project => project.startsWith(`${job.name}-chaos-`));
}

/** Until a fault is in force that a helper container does. */
async function helper(running: ReturnType<TestJob['spawn']>): Promise<void> {
  const seen = { over: false };
  void running.ended.then(() => (seen.over = true));
  while ((await helpers()).length === 0) {
    if (seen.over) throw new Error(`it ended before: ${JSON.stringify(await running.ended)}`);
    await new Promise(resolve => setTimeout(resolve, 200));
  }
}

const scenario = (hypothesis: string, ...method: string[]): string =>
  [
    'title: A short one',
    'job: { steps: 80, checkpoint: { every: 20 } }',
    `hypothesis: ${hypothesis}`,
    'method:',
    ...method.map(line => `  - ${line}`),
    '',
  ].join('\n');

const read = (...path: string[]): string => readFileSync(join(job.folder, ...path), 'utf8');

describe('ftc chaos run', () => {
  it(
    'runs scenarios that hold, writes what it saw, compares with one undisturbed run, and leaves nothing',
    async () => {
      job = await TestJob.create('scenarios');
      job.write(
        'mine.yaml',
        scenario(
          '{ losses: { atLeast: 1 }, standstill: 60s }',
          '{ at: 15%, kill: master }',
          '{ at: 40%, kill: all }',
          '{ at: 70%, pause: worker, for: 300ms }',
        ),
      );
      job.write(
        'other.yaml',
        scenario(
          '{ losses: { atLeast: 2 }, stepsRepeated: 0 }',
          '{ at: 20%, kill: worker, count: 2 }',
        ).replace('steps: 80', 'steps: 80, workers: 4'),
      );
      const { code, stdout, stderr } = await job.ftc(
        'chaos',
        'run',
        'mine.yaml',
        'other.yaml',
        '--seed',
        '3',
        '--report',
        'out',
      );
      expect(code, stdout + stderr).toBe(0);
      expect(stdout).toContain('2 runs: 2 hold');
      expect(stdout.match(/✔ the digest is that of the baseline/g)).toHaveLength(2);
      // Both end with the same bits: one run to compare with is enough for the two.
      expect(stderr.match(/the baseline: the same job without faults/g)).toHaveLength(1);

      const index = IndexReport.parse(JSON.parse(read('out', 'index.json')));
      expect(index.runs.map(r => [r.name, r.seed, r.conclusion, r.stepsLost])).toEqual([
        ['mine', 3, 'holds', 0],
        ['other', 3, 'holds', 0],
      ]);
      expect(index.runs[0]?.stepsRepeated).toBeGreaterThan(0);
      expect(index.runs[1]?.losses).toBeGreaterThanOrEqual(2);
      const [first, second] = index.runs.map(({ file }) =>
        RunReport.parse(JSON.parse(read('out', `${file}.json`))),
      );
      expect(first?.evidence?.faults.map(f => [f.fault, f.hits.map(h => h.role)])).toEqual([
        ['kill', ['master']],
        ['kill', ['worker', 'worker', 'worker']],
        ['pause', ['worker']],
      ]);
      expect(first?.evidence?.checkpoints.some(c => c.what === 'loaded')).toBe(true);
      expect(first?.evidence?.digest).toBe(second?.evidence?.digest);
      expect(second?.evidence?.lanes).toHaveLength(4);
      expect(second?.command).toMatch(/^ftc chaos run \/.*\/other\.yaml --seed 3$/);
      for (const { file } of index.runs) expect(read('out', `${file}.html`)).toContain('all hold');
      expect(await left()).toEqual([]);
      expect(readdirSync(join(job.folder, '.ftc')).sort()).toEqual(['.gitignore', 'undisturbed.json']);
    },
    PATIENCE_MS,
  );

  it(
    'says which hypothesis is broken, keeps the logs, and does not take for a pass what missed or cannot be done',
    async () => {
      job = await TestJob.create('broken');
      job.write('fails.yaml', scenario('{ recovery: { p99: 1ms } }', '{ at: 30%, kill: worker }'));
      const fails = await job.ftc('chaos', 'run', 'fails.yaml', '--json', '--report', 'out');
      expect([fails.code, fails.stderr]).toEqual([9, expect.stringContaining('report: ')]);
      const { runs } = JSON.parse(fails.stdout) as { runs: RunReport[] };
      expect(runs).toHaveLength(1);
      expect(RunReport.parse(runs[0])).toMatchObject({ conclusion: 'broken' });
      const verdicts = new Map(runs[0]?.verdicts.map(v => [v.key, v.holds]));
      expect([verdicts.get('recovery'), verdicts.get('sameBits'), verdicts.get('faults')]).toEqual([
        false,
        true,
        true,
      ]);
      const [logs = ''] = readdirSync(join(job.folder, 'out')).filter(name => name.endsWith('-logs'));
      expect(readdirSync(join(job.folder, 'out', logs))).toHaveLength(5);
      const [page = ''] = readdirSync(join(job.folder, 'out')).filter(name => name.endsWith('.html'));
      expect(read('out', page)).toContain('✘ broken');

      job.write('late.yaml', scenario('{}', '{ at: step 500, kill: worker }'));
      job.write('never.yaml', scenario('{}', '{ at: 30%, clock: worker }'));
      const missed = await job.ftc('chaos', 'run', 'late.yaml', 'never.yaml');
      expect(missed.code, missed.stderr).toBe(10);
      expect(missed.stdout).toContain('? every fault hits');
      expect(missed.stdout).toContain('kill a worker at step 500 did not: the job ended before');
      expect(missed.stdout).toContain('skipped: clock cannot be done here');
      // What decides the bits is the same as before: the run to compare with is known.
      expect(missed.stderr).not.toContain('the baseline');

      const wrong = await job.ftc('chaos', 'run', 'rolling-kilss');
      expect([wrong.code, wrong.stderr]).toEqual([
        2,
        expect.stringContaining('Did you mean "rolling-kills"?'),
      ]);
      expect(await left()).toEqual([]);
    },
    PATIENCE_MS,
  );

  it(
    'one at a time; cleans up at Ctrl+C and reports what it has; what a kill of it left, the next or "ftc chaos heal" removes',
    async () => {
      job = await TestJob.create('stopped');
      job.write('cut.yaml', scenario('{}', '{ at: 10%, partition: worker, from: workers, for: 5m }'));
      const first = job.spawn('chaos', 'run', 'cut.yaml', '--report', 'out');
      await helper(first);
      const second = await job.ftc('chaos', 'run', 'cut.yaml');
      expect([second.code, second.stderr]).toEqual([5, expect.stringContaining('a chaos run of')]);
      first.kill('SIGINT');
      const ended = await first.ended;
      expect([ended.code, ended.stdout]).toEqual([130, expect.stringContaining('! interrupted')]);
      expect(await left()).toEqual([]);
      expect(await helpers()).toEqual([]);
      const [report = ''] = readdirSync(join(job.folder, 'out')).filter(name => name.endsWith('.json'));
      const told = RunReport.parse(JSON.parse(read('out', report)));
      expect(told).toMatchObject({
        conclusion: 'interrupted',
        evidence: { faults: [{ fault: 'partition' }] },
      });

      const killed = job.spawn('chaos', 'run', 'cut.yaml');
      await helper(killed);
      killed.kill('SIGKILL');
      await killed.ended;
      expect((await left()).length).toBeGreaterThan(3);
      const heal = await job.ftc('chaos', 'heal');
      expect([heal.code, heal.stderr]).toEqual([0, expect.stringContaining(`${job.name}-chaos-`)]);
      expect(await left()).toEqual([]);
      expect(await helpers()).toEqual([]);
    },
    PATIENCE_MS,
  );
});

describe('ftc chaos soak', () => {
  it(
    'ends with the number of faults, and every round with the same bits',
    async () => {
      job = await TestJob.create('soak');
      const { code, stdout, stderr } = await job.ftc(
        'chaos',
        'soak',
        '--faults',
        '4',
        '--kinds',
        'kill,pause,stop',
        '--seed',
        '2',
        '--json',
      );
      expect(code, stdout + stderr).toBe(0);
      const report = SoakReport.parse(JSON.parse(stdout));
      expect(report).toMatchObject({ conclusion: 'holds', seed: 2, stepsLost: 0, replay: null });
      expect(report.total).toBeGreaterThanOrEqual(4);
      expect(report.command).toBe('ftc chaos soak --seed 2 --faults 4 --kinds kill,pause,stop');
      expect(report.digests).toEqual([report.undisturbed]);
      expect(existsSync(join(job.folder, 'chaos-soak-2'))).toBe(false);
      expect(await left()).toEqual([]);
    },
    PATIENCE_MS,
  );
});
