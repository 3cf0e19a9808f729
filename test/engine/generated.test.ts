/** Random training scripts on the real engine: what Docker breaks changes no bit, or the job is refused in ftc's words. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import type { Status } from '../../src/api/status.ts';
import { ExitCode } from '../../src/errors.ts';
import { docker, type Ended, TestJob } from './harness.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const FAULTS = join(ROOT, 'images/worker/tests/generated/faults.py');
/** `python3 -m generated` in images/worker/tests tries many more of them, without an engine. */
const SEEDS = [7, 6];

interface Script {
  readonly script: string;
  readonly virtual_ranks: number;
  readonly steps: number;
  readonly checkpoint_every: number;
  readonly job_seed: number;
  readonly on_non_finite: string;
}

let job: TestJob;
afterEach(() => job.close());

async function drawn(seed: number): Promise<Script> {
  const mount = ['--volume', `${ROOT}:/repo:ro`];
  const path = ['--env', 'PYTHONPATH=/repo/images/worker:/repo/images/worker/tests'];
  const command = ['python3', '-m', 'generated', '--show', '--json', '--scripts', '1', '--seed', `${seed}`];
  const shown = await docker('run', '--rm', ...mount, ...path, 'ftc-worker-test', ...command);
  expect(shown.code, shown.stderr).toBe(0);
  return JSON.parse(shown.stdout) as Script;
}

/** A job of its own of this script, whose every slice takes so many seconds. */
async function create(label: string, drawn: Script, pause: number): Promise<void> {
  job = await TestJob.create(label);
  job.write('train.py', drawn.script);
  job.write('faults.py', readFileSync(FAULTS, 'utf8'));
  job.write(
    'ftc.yaml',
    `script: train.py
args: ["${pause}"]
steps: ${drawn.steps}
seed: ${drawn.job_seed}
virtualRanks: ${drawn.virtual_ranks}
checkpoint: { every: ${drawn.checkpoint_every} }
onNonFinite: ${drawn.on_non_finite}
recovery: { backoff: { initial: 300ms } }
`,
  );
}

interface Ending {
  readonly code: number | undefined;
  readonly digest: string | null;
}

async function undisturbed(script: Script, seed: number): Promise<Ending> {
  await create(`gen${seed}-one`, script, 0);
  const ending = endingOf(await job.ftc('up', '--scale', 'worker=1', '--json'));
  await job.close();
  return ending;
}

/** One worker is killed, and one bit flips in another's memory where ftc can do that. */
async function broken(script: Script, seed: number): Promise<Ending> {
  await create(`gen${seed}-three`, script, 0.3);
  const up = job.spawn('up', '--scale', 'worker=3', '--json');
  const trains = job.trains(2, 3, up).then(() => true);
  // A script that is refused ends before it trains.
  if (await Promise.race([trains, up.ended.then(() => false)]).catch(() => false)) {
    await docker('kill', (await job.rank(1)).id);
    await job.trains(5, 3, up).catch(() => null);
    await job.ftc('chaos', 'bitflip', 'worker');
  }
  return endingOf(await up.ended);
}

function endingOf({ code, stdout, stderr }: Ended): Ending {
  expect([ExitCode.ok, ExitCode.jobFailed], stderr).toContain(code);
  // What ftc refuses, it refuses in its own words.
  expect(stderr).not.toMatch(/File ".*\/opt\/ftc\/ftc\//);
  return { code, digest: code === ExitCode.ok ? (JSON.parse(stdout) as Status).finalDigest : null };
}

it.each(SEEDS)('script %i ends with the same bits, or is refused in both runs', async seed => {
  const script = await drawn(seed);
  const quiet = await undisturbed(script, seed);
  expect(await broken(script, seed)).toEqual(quiet);
});
