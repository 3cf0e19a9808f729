/** Every kind of damage to the newest checkpoints: none is loaded, each is named and kept, the next older valid one is taken. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Status } from '../../src/api/status.ts';
import { ownPackage } from '../../src/package.ts';
import { docker, TestJob, TINY } from './harness.ts';
import { loadedIn } from './loaded.ts';
import { inVolume, volumeFiles } from './volume.ts';

/** What a kind of damage is called in jobs/damage.py, and what the reason given for it must say. */
const kinds: readonly (readonly [string, RegExp])[] = [
  ['state-truncated', /state\.pt has \d+ bytes instead of \d+/],
  ['state-flipped', /SHA-256/],
  ['state-missing', /state\.pt is missing/],
  ['state-empty', /state\.pt has 0 bytes instead of \d+/],
  ['manifest-truncated', /manifest\.json is not JSON/],
  ['manifest-flipped', /manifest\.json/],
  ['manifest-missing', /manifest\.json is missing/],
  ['manifest-empty', /manifest\.json is not JSON/],
  ['wrong-job', /belongs to the job .another./],
  ['wrong-model', /model/],
  ['future-format', /format 2, and 1 is known/],
];

/** Steps of which enough have a checkpoint, also where one is late now and then. */
const STEPS = 15 * kinds.length;

let job: TestJob;
const volume = (): string => `${job.name}_checkpoints`;
beforeEach(async () => {
  job = await TestJob.create(
    'damage',
    `script: train.py\nworkers: 2\nvirtualRanks: 2\ncheckpoint: { every: 1, keep: 1000 }\n`,
  );
  job.write('train.py', readFileSync(TINY, 'utf8'));
  await trained(STEPS);
  expect((await job.ftc('down')).code).toBe(0);
});
afterEach(() => job.close());

async function trained(steps: number, ...more: string[]): Promise<Status> {
  const { code, stdout, stderr } = await job.ftc('up', '--json', '--steps', String(steps), ...more);
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as Status;
}

/** In the workers' image, as their user. */
async function damage(by: readonly (readonly [kind: string, step: number])[]): Promise<void> {
  const script = join(import.meta.dirname, 'jobs/damage.py');
  const { code, stderr } = await docker(
    ...['run', '--rm', '--network', 'none', '--entrypoint', 'python3'],
    ...['--volume', `${volume()}:/checkpoints`, '--volume', `${script}:/damage.py:ro`],
    ...[`ftc-worker:${ownPackage().version}`, '/damage.py'],
    ...by.map(([kind, step]) => `${kind}:/checkpoints/${job.name}/${directory(step)}`),
  );
  expect(code, stderr).toBe(0);
}

/** Steps that have a checkpoint, newest first. */
async function published(): Promise<number[]> {
  const files = await volumeFiles(job.connection, volume());
  const steps = files.flatMap(path => /\/step-(\d+)\/manifest\.json$/.exec(path)?.[1] ?? []);
  return steps.map(Number).sort((a, b) => b - a);
}

const directory = (step: number): string => `step-${String(step).padStart(8, '0')}`;

it('the newest of all kinds are set aside, each with its reason, and the job ends with the same bits', async () => {
  const steps = await published();
  const two = kinds.flatMap(kind => [kind, kind]);
  const whole = steps[two.length] ?? 0;
  expect(whole).toBeGreaterThan(0);
  const damaged = two.map(([kind], i) => [kind, steps[i] ?? 0] as const);
  await damage(damaged);
  const resumed = await trained(STEPS + 10);
  const events = await job.events();
  expect(loadedIn(events)).toContain(whole);
  for (const [kind, step] of damaged) {
    const why = kinds.find(([name]) => name === kind)?.[1];
    const told = events.filter(e => e.fact?.what === 'checkpoint-quarantined' && e.fact.step === step);
    expect(told, `${kind}: ${events.map(e => e.text).join('\n')}`).toHaveLength(1);
    expect(told[0]?.text).toMatch(why ?? /never/);
  }
  // Kept as they were found, for whoever wants to look.
  const files = await volumeFiles(job.connection, volume());
  for (const [, step] of damaged)
    expect(
      files.some(path => path.endsWith(`/.bad-${directory(step)}-1`)),
      directory(step),
    ).toBe(true);

  expect((await job.ftc('down', '--volumes')).code).toBe(0);
  const undisturbed = await trained(STEPS + 10, '--scale', 'worker=1');
  expect(resumed.finalDigest).toBe(undisturbed.finalDigest);
});

it('with none that is valid the job stops, names them all, and touches nothing', async () => {
  const pruned = await job.ftc('checkpoints', 'prune', '--keep', String(kinds.length));
  expect(pruned.code, pruned.stderr).toBe(0);
  const steps = await published();
  expect(steps).toHaveLength(kinds.length);
  await damage(steps.map((step, i) => [kinds[i % kinds.length]?.[0] ?? '', step]));
  const sums = "find . -path '*/step-*' -type f -exec sha256sum {} + | sort";
  const before = await inVolume(job.connection, volume(), sums);
  const { code, stderr } = await job.ftc('up', '--steps', String(STEPS + 10));
  expect(code, stderr).toBe(4);
  for (const step of steps) expect(stderr).toContain(directory(step));
  expect(await inVolume(job.connection, volume(), sums)).toBe(before);
});
