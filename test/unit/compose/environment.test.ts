import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import * as environment from '../../../compose/environment.ts';
import type { Job } from '../../../src/job/job.ts';
import { resolveJob } from '../../../src/job/resolve.ts';

const root = new URL('../../../', import.meta.url);
const text = (path: string): string => readFileSync(new URL(path, root), 'utf8');

const ftc = resolveJob(
  [{ standbys: 1, standbySync: 2, checkpoint: { keepEvery: 2, dir: '/x' }, workdir: true }],
  null,
);
const torchrun: Job = { ...ftc, launcher: 'torchrun' };
const given = (of: (job: Job) => object): string[] => [
  ...new Set([ftc, torchrun].flatMap(job => Object.keys(of(job)))),
];
const services = {
  master: given(environment.masterEnvironment),
  worker: given(environment.workerEnvironment),
  supervisor: given(environment.supervisorEnvironment),
};

it.each(Object.entries(services))('of the %s is in the table of the docs', (service, names) => {
  const told = new Map<string, string>();
  for (const line of text('docs/protocol.md').split('\n')) {
    const [, variables = '', who = ''] =
      /^\| ((?:`[A-Z_0-9]+`(?:, )?)+) *\| ([a-z, ]+?) *\|/.exec(line) ?? [];
    for (const [, name = ''] of variables.matchAll(/`([A-Z_0-9]+)`/g)) told.set(name, who);
  }
  const isTold = (name: string): boolean =>
    (told.get(name) ?? '').split(', ').some(who => who === service || who === 'all');
  const missing = names.filter(name => !isTold(name));
  // The resolver's own, which libc reads; and a launcher's limit, which the supervisor's row mentions.
  expect(missing.filter(name => !['RES_OPTIONS', 'MAX_RESTARTS'].includes(name))).toEqual([]);
});

it.each([
  ['master', ['src/master/config.ts', 'src/checkpoint/policy.ts']],
  ['supervisor', ['src/supervisor/config.ts']],
] as const)('of the %s is read by it', (service, files) => {
  const source = files.map(text).join('\n');
  expect(services[service].filter(name => !source.includes(`  ${name}: `))).toEqual([]);
});

it('has one default for the checkpoints, in both languages', () => {
  const [, python] = /"CHECKPOINT_EVERY", (\d+), 1\)/.exec(text('images/worker/ftc/config.py')) ?? [];
  const [, typescript] = /CHECKPOINT_EVERY: .*default\((\d+)\)/.exec(text('src/checkpoint/policy.ts')) ?? [];
  expect([python, typescript]).toEqual([String(ftc.checkpoint.every), String(ftc.checkpoint.every)]);
});
