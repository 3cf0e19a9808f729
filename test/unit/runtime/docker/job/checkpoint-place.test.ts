import { chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { render } from '../../../../../compose/render.ts';
import { placeOf, placeOfMaster } from '../../../../../src/runtime/docker/job/checkpoint-place.ts';
import { savedProject, saveProject } from '../../../../../src/runtime/docker/job/saved-project.ts';
import { loadJob } from '../../../../../src/job/load.ts';
import type { JobFlags } from '../../../../../src/job/sources.ts';
import { readConfig } from '../../../../../src/master/config.ts';
import { ownPackage } from '../../../../../src/package.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ftctest-place-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const project = (flags: JobFlags) => {
  const loaded = loadJob({ name: 'a-job', ...flags }, {}, folder);
  return { name: 'a-job', directory: loaded.projectDir, yaml: render(loaded).yaml, variables: {} };
};

it('of a rendered project is its volume, as its master has it', () => {
  expect(placeOf(project({ checkpointEvery: '10', checkpointKeep: '2', checkpointKeepEvery: '5' }))).toEqual({
    job: 'a-job',
    image: `ftc-control:${ownPackage().version}`,
    user: '10001:10001',
    environment: {
      JOB_ID: 'a-job',
      CHECKPOINT_DIR: '/checkpoints',
      CHECKPOINT_EVERY: '10',
      FTC_CHECKPOINT_KEEP: '2',
      FTC_CHECKPOINT_KEEP_EVERY: '5',
    },
    type: 'volume',
    source: 'a-job_checkpoints',
    target: '/checkpoints',
  });
});

it('knows by which metric the best are kept', () => {
  const keepBest = '{"metric":"a $b","mode":"max","keep":1}';
  writeFileSync(join(folder, 'ftc.yaml'), "checkpoint: { keepBest: { metric: 'a $b', mode: max } }\n");
  expect(placeOf(project({})).environment['FTC_CHECKPOINT_KEEP_BEST']).toBe(keepBest);
  const environment = { JOB_ID: 'a-job', FTC_PROJECT: 'p', FTC_CHECKPOINT_KEEP_BEST: keepBest };
  expect(readConfig(environment).checkpoints.keepBest).toEqual({ metric: 'a $b', mode: 'max', keep: 1 });
  for (const wrong of [
    'loss',
    '{"metric":"loss","mode":"low","keep":1}',
    '{"metric":"","mode":"min","keep":1}',
  ])
    expect(() => readConfig({ ...environment, FTC_CHECKPOINT_KEEP_BEST: wrong })).toThrow('KEEP_BEST');
  for (const JOB_ID of ['', '..', '../b', '/etc', 'a/b', 'a\0'])
    expect(() => readConfig({ ...environment, JOB_ID }), JOB_ID).toThrow('JOB_ID');
  expect(readConfig({ JOB_ID: 'a-job', FTC_PROJECT: 'p' }).checkpoints.keepBest).toBeNull();
});

it.skipIf(process.getuid?.() !== 0)('of a directory of the host is that directory, and its owner', () => {
  const path = join(folder, 'own $dir');
  mkdirSync(path);
  chownSync(path, 1234, 1234);
  expect(placeOf(project({ checkpointDir: 'own $dir' }))).toMatchObject({
    type: 'bind',
    source: path,
    user: '1234:1234',
  });
});

it('of a project that was saved is where it ran, whatever the job file says now', () => {
  const started = project({ checkpointEvery: '10' });
  expect(savedProject(folder, 'a-job')).toBeNull();
  saveProject(started);
  const saved = savedProject(folder, 'a-job');
  expect(saved && placeOf(saved)).toEqual(placeOf(started));
});

it('of a project that somebody wrote is its mount, by any name', () => {
  const yaml = (volumes: string, more = '') =>
    `services: {master: {image: i, user: "1:1", environment: {JOB_ID: j, CHECKPOINT_DIR: /c}, volumes: [${volumes}]}}\n${more}`;
  const at = (text: string) => placeOf({ name: 'p', directory: '/home/me', yaml: text, variables: {} });
  expect(at(yaml('"/etc:/etc", "v:/c:ro"'))).toMatchObject({ type: 'volume', source: 'p_v', target: '/c' });
  expect(at(yaml('"v:/c"', 'volumes: {v: {name: other, external: true}}'))).toMatchObject({
    source: 'other',
  });
  expect(at(yaml('"./here:/c"'))).toMatchObject({ type: 'bind', source: '/home/me/here' });
  expect(() => at(yaml('"v:/elsewhere"'))).toThrow('where "p" keeps its checkpoints is not known');
  expect(() => at('services: {}')).toThrow(expect.objectContaining({ code: 'FTC_NOT_RUNNING' }) as Error);
});

it('of a master that is there is what the engine says, without the rest of its environment', () => {
  const Env = [
    'PATH=/bin',
    'JOB_ID=j',
    'CHECKPOINT_DIR=/c',
    'CHECKPOINT_EVERY=10',
    'AWS_SECRET_ACCESS_KEY=canary',
  ];
  const answer = (mount: object) => ({
    Name: '/p-master-1',
    Config: { Image: 'i', User: '1:1', Env },
    Mounts: [{ Type: 'bind', Source: '/x', Destination: '/x' }, mount],
  });
  const common = {
    job: 'j',
    image: 'i',
    user: '1:1',
    environment: { JOB_ID: 'j', CHECKPOINT_DIR: '/c', CHECKPOINT_EVERY: '10' },
    target: '/c',
  };
  const named = {
    Type: 'volume',
    Name: 'p_c',
    Source: '/var/lib/docker/volumes/p_c/_data',
    Destination: '/c',
  };
  expect(placeOfMaster(answer(named))).toEqual({ ...common, type: 'volume', source: 'p_c' });
  const bound = { Type: 'bind', Source: '/home/me/c', Destination: '/c' };
  expect(placeOfMaster(answer(bound))).toEqual({ ...common, type: 'bind', source: '/home/me/c' });
  expect(() => placeOfMaster(answer({ ...bound, Destination: '/d' }))).toThrow('where "p-master-1" keeps');
});
