import { chmodSync, mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FtcError } from '../../../src/errors.ts';
import { loadJob } from '../../../src/job/load.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ftctest-job-'));
  chmodSync(folder, 0o755);
});
afterEach(() => rmSync(folder, { recursive: true }));

const load = (text: string | Buffer) => {
  writeFileSync(join(folder, 'ftc.yaml'), text);
  return loadJob({}, {}, folder);
};
const problems = (text: string | Buffer): string[] => {
  try {
    load(text);
  } catch (error) {
    expect(error).toMatchObject({ code: 'FTC_JOB_FILE', exitCode: 2 });
    return (error as FtcError).message.split('\n');
  }
  throw new Error('nothing was found wrong');
};

describe('a job file', () => {
  it('may be empty, or comments only', () => {
    expect(load('').job.workers).toBe(3);
    expect(load('# nothing\n').job.virtualRanks).toBe(12);
    expect(load('{}').job.length).toEqual({ epochs: 2 });
    expect(load('').job).toMatchObject({ recovery: { onDivergence: 'repair' }, onNonFinite: 'fail' });
  });

  it('may come from Windows: a byte order mark, and CR LF', () => {
    const { job } = load('\uFEFFworkers: 2\r\nargs:\r\n  - "--lr"\r\ncheckpoint:\r\n  every: 5\r\n');
    expect(job).toMatchObject({ workers: 2, args: ['--lr'], checkpoint: { every: 5 } });
  });

  it('is UTF-8, or refused in a sentence', () => {
    expect(problems(Buffer.from('\uFEFFworkers: 2\n', 'utf16le'))).toEqual([
      'the job file ftc.yaml is written in UTF-16, and is read as UTF-8',
    ]);
    writeFileSync(join(folder, 'wide.py'), Buffer.from('\uFEFFimport ftc\n', 'utf16le'));
    expect(() => load('script: wide.py\n')).toThrow('the training script wide.py is written in UTF-16');
  });

  it('says all that there is to say', () => {
    mkdirSync(join(folder, 'data'));
    chmodSync(join(folder, 'data'), 0o777);
    writeFileSync(join(folder, 'my-train.py'), '');
    writeFileSync(join(folder, 'settings.env'), 'A=b\n');
    writeFileSync(join(folder, 'requirements.txt'), 'six\n');
    const { job } = load(`
name: my-job_2
script: my-train.py
args: ["--lr", "0.1"]
launcher: ftc
node: worker
stopGrace: 2m
workers: 5
standbys: 2
standbySync: 5
virtualRanks: 20
seed: 7
steps: 1000
checkpoint: {every: 10, keep: 2, keepEvery: 5, keepBest: {metric: val/loss, mode: min, keep: 2}, scrub: 10m}
dataset: data
environment: {LR: 3.10, FLAG: true, TOKEN: null, WORDS: a b}
envFile: settings.env
requirements: requirements.txt
volumes: ["data:/more", "data:/cached:rw"]
workdir: true
outputs: results
shmSize: 2g
hooks: {onRecovery: {urlEnv: WEBHOOK}, onSuccess: [notify-send, done]}
recovery:
  heartbeat: 2.5
  hang: 10m
  onStraggler: replace
  onDivergence: fail
  backoff: {initial: 1s, max: 1m, reset: 2m}
  maxRestarts: 0
  minWorkers: 2
resources: {cpus: 1.5, memory: 2g, gpus: all, pids: 100, tmp: 64m}
onNonFinite: skip
threads: 2
base: pytorch/pytorch:2.6.0-cuda12.4-cudnn9-runtime
port: 0
`);
    expect(job).toEqual({
      name: 'my-job_2',
      script: join(folder, 'my-train.py'),
      args: ['--lr', '0.1'],
      launcher: 'ftc',
      node: 'worker',
      stopGrace: 120_000,
      workers: 5,
      standbys: 2,
      standbySync: 5,
      virtualRanks: 20,
      seed: 7,
      length: { steps: 1000 },
      checkpoint: {
        every: 10,
        keep: 2,
        keepEvery: 5,
        keepBest: { metric: 'val/loss', mode: 'min', keep: 2 },
        scrub: 600_000,
        dir: null,
        s3: null,
      },
      data: null,
      dataset: join(folder, 'data'),
      // As it stands in the file: 3.10 is no 3.1.
      environment: { LR: '3.10', FLAG: 'true', TOKEN: null, WORDS: 'a b' },
      envFile: join(folder, 'settings.env'),
      requirements: join(folder, 'requirements.txt'),
      volumes: [
        { source: join(folder, 'data'), target: '/more', writable: false },
        { source: join(folder, 'data'), target: '/cached', writable: true },
      ],
      workdir: true,
      outputs: { dir: join(folder, 'results') },
      shmSize: '2g',
      hooks: {
        onFailure: [],
        onRecovery: [{ kind: 'urlEnv', name: 'WEBHOOK' }],
        onSuccess: [{ kind: 'command', command: ['notify-send', 'done'] }],
        caBundle: null,
      },
      recovery: {
        heartbeat: 2_500,
        hang: 600_000,
        onStraggler: 'replace',
        onDivergence: 'fail',
        backoff: { initial: 1_000, max: 60_000, reset: 120_000 },
        maxRestarts: 0,
        minWorkers: 2,
      },
      resources: { cpus: 1.5, memory: '2g', gpus: 'all', pids: 100, tmp: '64m' },
      onNonFinite: 'skip',
      threads: 2,
      backend: 'nccl',
      base: 'pytorch/pytorch:2.6.0-cuda12.4-cudnn9-runtime',
      port: 0,
    });
  });

  it.each([
    ['off', 0],
    ['0', 0],
    ['0s', 0],
    ['1', 1000],
    ['90s', 90_000],
  ])('has checkpoints read again every %s', (scrub, ms) => {
    expect(load(`checkpoint: {scrub: ${scrub}}`).job.checkpoint.scrub).toBe(ms);
  });

  it.each([
    ['worker: 3', 'ftc.yaml:1:1: worker is no key of a job file; did you mean "workers"?'],
    ['\n  zebra: 1', 'ftc.yaml:2:3: zebra is no key of a job file'],
    [
      'recovery:\n  backoff:\n    maximum: 3s',
      'ftc.yaml:3:5: recovery.backoff.maximum is no key of a job file; did you mean "max"?',
    ],
    [
      'checkpoint: {keepBest: {metric: acc}}',
      'ftc.yaml:1:24: checkpoint.keepBest.mode must be "min" or "max", not empty',
    ],
    [
      'checkpoint: {keepBest: {metric: "", mode: min}}',
      'ftc.yaml:1:33: checkpoint.keepBest.metric must be the name of a metric that the script logs, not ""',
    ],
    [
      'checkpoint: {keepBest: {metric: acc, mode: best}}',
      'ftc.yaml:1:44: checkpoint.keepBest.mode must be "min" or "max", not "best"',
    ],
    [
      'checkpoint: {keepBest: {metric: acc, mode: max, keep: 0}}',
      'ftc.yaml:1:55: checkpoint.keepBest.keep must be a whole number from 1 to 10000, not 0',
    ],
    ['workers: three', 'ftc.yaml:1:10: workers must be a whole number from 1 to 1000, not "three"'],
    ['workers: 0', 'ftc.yaml:1:10: workers must be a whole number from 1 to 1000, not 0'],
    ['workers: 1.5', 'ftc.yaml:1:10: workers must be a whole number from 1 to 1000, not 1.5'],
    ['seed: -1', 'ftc.yaml:1:7: seed must be a whole number, 0 or more, not -1'],
    ['seed:', 'ftc.yaml:1:6: seed must be a whole number, 0 or more, not empty'],
    ['checkpoint: 5', 'ftc.yaml:1:13: checkpoint must be a group of keys, not 5'],
    [
      'checkpoint: {scrub: 10ms}',
      'ftc.yaml:1:21: checkpoint.scrub must be "off", or a duration such as "500ms", "5s", "2m", or a number of seconds, 1s or more, not "10ms"',
    ],
    [
      'checkpoint: {keepEvery: 0}',
      'ftc.yaml:1:25: checkpoint.keepEvery must be a whole number, 1 or more, not 0',
    ],
    ['args: [a, 1]', 'ftc.yaml:1:11: args[1] must be a string (put it in quotes), not 1'],
    ['args: abc', 'ftc.yaml:1:7: args must be a list of strings, not "abc"'],
    [
      'recovery: {onDivergence: ignore}',
      'ftc.yaml:1:26: recovery.onDivergence must be "repair" or "fail", not "ignore"',
    ],
    ['onNonFinite: pray', 'ftc.yaml:1:14: onNonFinite must be "fail", "skip" or "report", not "pray"'],
    ['backend: mpi', 'ftc.yaml:1:10: backend must be "gloo" or "nccl", not "mpi"'],
    [
      'resources: {memory: lots}',
      'ftc.yaml:1:21: resources.memory must be an amount such as "512m" or "2g", not "lots"',
    ],
    ['steps: 1\nepochs: 1', 'ftc.yaml:2:9: epochs and steps exclude each other; give one of them'],
    ['seed: 1\nseed: 2', 'ftc.yaml:2:1: seed is given twice in the same group'],
    [
      'checkpoint: !!binary x',
      'ftc.yaml:1:13: the tag !!binary means nothing in a job file; write the plain value',
    ],
    [
      'checkpoint: !!set {every}',
      'ftc.yaml:1:13: the tag !!set means nothing in a job file; write the plain value',
    ],
    ['seed: !mine 1', 'ftc.yaml:1:7: the tag !mine means nothing in a job file; write the plain value'],
    ['- a', 'ftc.yaml:1:1: a job file must be a group of keys, not a list'],
    ['just words', 'ftc.yaml:1:1: a job file must be a group of keys, not "just words"'],
  ])('%j', (text, problem) => {
    expect(problems(text)).toEqual([problem]);
  });

  it.each(['heartbeat: fast', 'heartbeat: 100ms', 'heartbeat: -1', 'heartbeat: 5 s', 'heartbeat: [1]'])(
    'says once what a duration is: %s',
    text => {
      expect(problems(`recovery:\n  ${text}`)).toEqual([
        expect.stringMatching(/^ftc\.yaml:2:14: recovery\.heartbeat must be a duration such as .*, not /),
      ]);
    },
  );

  it('is told all that is wrong at once, in order', () => {
    expect(problems('wrokers: 3\nseed: x\nrecovery:\n  heartbeet: 5s\nport: 70000\n').map(at)).toEqual([
      '1:1',
      '2:7',
      '4:3',
      '5:7',
    ]);
  });

  it.each(['a: [1', 'a: }', '"', 'a: *nothing', '\ta: 1', 'a: 1\n---\nb: 2', '%YAML 9.9\n--- !!x'])(
    'is no YAML: %j',
    text => {
      expect(problems(text)[0]).toMatch(/^ftc\.yaml:\d+:\d+: /);
    },
  );

  it('names the folder that it is in, made valid, where it names nothing', () => {
    const inside = join(folder, 'My Job (2)');
    mkdirSync(inside);
    writeFileSync(join(inside, 'ftc.yml'), 'seed: 1');
    expect(loadJob({}, {}, inside).job.name).toBe('my-job-2');
  });

  it('never surprises: any text gives a job or an error with its place', () => {
    const key = fc.constantFrom(
      'workers',
      'seed',
      'checkpoint',
      'recovery',
      'args',
      'name',
      'x',
      '__proto__',
      '*a',
      '&a',
    );
    const value = fc.oneof(
      fc.string(),
      fc.constantFrom(
        '3',
        '{}',
        '[',
        '{every: 1}',
        '*a',
        '&a 1',
        'null',
        '!!binary x',
        '!!omap [every: 1]',
        '!x',
      ),
    );
    const text = fc.array(fc.tuple(key, value)).map(pairs => pairs.map(([k, v]) => `${k}: ${v}`).join('\n'));
    fc.assert(
      fc.property(fc.oneof(fc.string(), text), content => {
        try {
          load(content);
        } catch (error) {
          expect(error).toBeInstanceOf(FtcError);
          expect((error as FtcError).message).toMatch(/^(ftc\.yaml:\d+:\d+: |the training script )/);
        }
      }),
      { numRuns: 300, examples: [['checkpoint: !!binary x']] },
    );
  });
});

it('says when the file that was named is not there, or is none', () => {
  expect(() => loadJob({ file: 'no.yaml' }, {}, folder)).toThrow('there is no job file no.yaml');
  expect(() => loadJob({ file: '.' }, {}, folder)).toThrow('it is a directory');
});

const at = (problem: string) => /^ftc\.yaml:(\d+:\d+)/.exec(problem)?.[1];
