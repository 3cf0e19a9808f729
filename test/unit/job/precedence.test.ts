import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toSeconds } from '../../../src/job/duration.ts';
import { loadJob, loadJobName } from '../../../src/job/load.ts';
import { jobFlags, optionName, settings } from '../../../src/job/settings.ts';
import type { JobFlags } from '../../../src/job/sources.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ftctest-precedence-'));
  chmodSync(folder, 0o755);
  writeFileSync(
    join(folder, 'job.yaml'),
    'name: from-file\nworkers: 4\nseed: 4\nsteps: 4\nrecovery: {minWorkers: 4}\n',
  );
});
afterAll(() => rmSync(folder, { recursive: true }));

const load = (flags: JobFlags = {}, env = {}) => loadJob(flags, env, folder).job;
const withFile = (flags: JobFlags = {}, env = {}) => load({ file: 'job.yaml', ...flags }, env);

describe('the command line wins over the environment, which wins over the file, which wins over the defaults', () => {
  it('key by key', () => {
    expect(load()).toMatchObject({ name: 'fashion-mnist', workers: 3, seed: 0 });
    expect(withFile()).toMatchObject({ name: 'from-file', workers: 4, seed: 4, standbys: 0 });
    const env = { WORLD_SIZE: '5', FTC_SEED: '5', JOB_ID: 'from-env', HEARTBEAT_TIMEOUT: '3' };
    expect(withFile({}, env)).toMatchObject({
      name: 'from-env',
      workers: 5,
      seed: 5,
      recovery: { heartbeat: 3_000, minWorkers: 4, maxRestarts: 100 },
    });
    const flags = { scale: ['worker=6'], seed: '6', name: 'from-line', heartbeat: '6s' };
    expect(withFile(flags, env)).toMatchObject({
      name: 'from-line',
      workers: 6,
      seed: 6,
      recovery: { heartbeat: 6_000 },
    });
  });

  it('for how long to train, where one word takes back the other', () => {
    expect(load().length).toEqual({ epochs: 2 });
    expect(withFile().length).toEqual({ steps: 4 });
    expect(withFile({ epochs: '1' }).length).toEqual({ epochs: 1 });
    expect(withFile({ steps: '9' }, { FTC_EPOCHS: '1' }).length).toEqual({ steps: 9 });
    expect(() => withFile({ steps: '1', epochs: '1' })).toThrow('--epochs and steps exclude each other');
  });

  it('and an empty variable says nothing', () => {
    expect(load({}, { WORLD_SIZE: '', CHECKPOINT_DIR: '' })).toEqual(load());
  });
});

describe('a wrong value', () => {
  it.each([
    [{ WORLD_SIZE: 'abc' }, 'WORLD_SIZE must be a whole number from 1 to 1000, not "abc"'],
    [{ WORLD_SIZE: '0x10' }, 'WORLD_SIZE must be a whole number from 1 to 1000, not "0x10"'],
    [{ MAX_RESTARTS: '-1' }, 'MAX_RESTARTS must be a whole number, 0 or more, not -1'],
    [{ CHECKPOINT_EVERY: '0' }, 'CHECKPOINT_EVERY must be a whole number, 1 or more, not 0'],
    [{ JOB_ID: 'No Good' }, 'JOB_ID must start with a lower-case letter'],
    [{ FTC_BACKEND: 'mpi' }, 'FTC_BACKEND must be "gloo" or "nccl", not "mpi"'],
    [{ FTC_ON_DIVERGENCE: 'no' }, 'FTC_ON_DIVERGENCE must be "repair" or "fail", not "no"'],
    [{ FTC_ON_NON_FINITE: 'no' }, 'FTC_ON_NON_FINITE must be "fail", "skip" or "report", not "no"'],
    [{ HEARTBEAT_TIMEOUT: 'soon' }, 'HEARTBEAT_TIMEOUT must be a duration'],
    [{ FTC_SCRIPT: 'builtin:nope' }, 'FTC_SCRIPT must be a path, or one of builtin:fashion-mnist'],
    [{ DATASET_DIR: '/no/such/dir' }, 'dataset /no/such/dir does not exist'],
  ])('names its variable: %j', (env, message) => {
    expect(() => load({}, env)).toThrow(message);
    expect(() => load({}, env)).toThrow(expect.objectContaining({ code: 'FTC_USAGE', exitCode: 2 }));
  });

  it.each([
    [{ seed: 'x' }, '--seed must be a whole number, 0 or more, not "x"'],
    [{ checkpointEvery: '0' }, '--checkpoint-every must be a whole number, 1 or more, not 0'],
    [{ port: '65536' }, '--port must be a whole number from 0 to 65535, not 65536'],
    [{ base: 'a b' }, '--base must be the name of an image, not "a b"'],
  ])('names its flag: %j', (flags, message) => {
    expect(() => load(flags)).toThrow(message);
  });
});

describe('values that do not fit together', () => {
  it('are told with what to do, and with their place where the file says one', () => {
    writeFileSync(join(folder, 'wide.yaml'), 'seed: 1\nworkers: 13\n');
    expect(() => load({ file: 'wide.yaml' })).toThrow(
      expect.objectContaining({
        code: 'FTC_JOB_FILE',
        message:
          'wide.yaml:2:10: virtualRanks is 12, fewer than the 13 workers: every worker carries one or more',
        hint: expect.stringContaining('Set virtualRanks to 13 or more') as string,
      }),
    );
    expect(() => load({ scale: ['worker=13'] })).toThrow(expect.objectContaining({ code: 'FTC_USAGE' }));
    expect(() => load({ scale: ['worker=2'], minWorkers: '3' })).toThrow('the job would wait forever');
    expect(() => load({ backend: 'nccl' })).toThrow('needs GPUs');
  });

  it('do not keep one from naming the job', () => {
    expect(loadJobName({ file: 'job.yaml', script: 'gone.py', scale: ['worker=999'] }, {}, folder)).toBe(
      'from-file',
    );
  });
});

it('names a job that has no file by its built-in, or by the folder of its script', () => {
  writeFileSync(join(folder, 'train.py'), '');
  expect(load({ script: 'builtin:char-gpt' }).name).toBe('char-gpt');
  expect(load({ script: 'train.py' }).name).toMatch(/^ftctest-precedence-/);
});

it('gives every setting a flag or a variable, each once', () => {
  const flags = jobFlags.map(({ flag }) => flag.split(/[ ,]/)[0]);
  expect(new Set(flags).size).toBe(flags.length);
  const variables = settings.map(({ env }) => env).filter(env => env !== '');
  expect(new Set(variables).size).toBe(variables.length);
  expect(variables).toEqual(
    expect.arrayContaining(
      'WORLD_SIZE CHECKPOINT_EVERY CHECKPOINT_DIR DATASET_DIR HEARTBEAT_TIMEOUT MAX_RESTARTS JOB_ID'.split(
        ' ',
      ),
    ),
  );
  expect(optionName('--checkpoint-every <steps>')).toBe('checkpointEvery');
});

it('takes the same job from the file, the environment and the command line', () => {
  const anyJob = fc.record({
    name: fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,20}$/),
    workers: fc.integer({ min: 1, max: 1000 }),
    standbys: fc.integer({ min: 0, max: 1000 }),
    standbySync: fc.integer({ min: 1 }),
    seed: fc.nat(),
    steps: fc.integer({ min: 1 }),
    checkpoint: fc.record({
      every: fc.integer({ min: 1 }),
      keep: fc.integer({ min: 1, max: 10_000 }),
      keepEvery: fc.integer({ min: 1 }),
      scrub: fc.constantFrom('off', '0', '10s', '1h'),
    }),
    recovery: fc.record({ heartbeat: fc.integer({ min: 500 }), maxRestarts: fc.nat() }),
    threads: fc.integer({ min: 1, max: 1024 }),
    port: fc.integer({ min: 0, max: 65_535 }),
  });
  fc.assert(
    fc.property(anyJob, job => {
      const file = {
        ...job,
        virtualRanks: 1000,
        recovery: { ...job.recovery, heartbeat: `${job.recovery.heartbeat}ms` },
      };
      writeFileSync(join(folder, 'any.yaml'), JSON.stringify(file));
      const fromFile = load({ file: 'any.yaml' });
      const valueAt = (path: readonly string[]) =>
        path.reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], {
          ...job,
          virtualRanks: 1000,
          recovery: { ...job.recovery, heartbeat: toSeconds(job.recovery.heartbeat) },
        }) as string | number | undefined;
      const said = settings.flatMap(setting => {
        const value = valueAt(setting.path);
        return value === undefined ? [] : [{ ...setting, value: String(value) }];
      });
      expect(load({}, Object.fromEntries(said.map(({ env, value }) => [env, value])))).toEqual(fromFile);
      const flags = Object.fromEntries(
        said.flatMap(({ flag, value }) => (flag ? [[optionName(flag), value]] : [])),
      );
      expect(load({ ...flags, scale: [`worker=${job.workers}`] })).toEqual(fromFile);
    }),
    { numRuns: 100 },
  );
});
