import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { afterEach, expect, it } from 'vitest';
import type { Status } from '../../src/master/status.ts';
import { TestJob, TINY } from './harness.ts';

const PIDFILE = '/var/run/docker.pid';
const ROOT = resolve(import.meta.dirname, '../..');

/** Only an engine that the set-up script starts by hand is ours to kill: never somebody's Docker Desktop or systemd unit. */
function engineIsOurs(): boolean {
  if (process.getuid?.() !== 0 || existsSync('/run/systemd/system') || process.env['DOCKER_HOST'])
    return false;
  return existsSync(PIDFILE) && isEngine(enginePid());
}

/** It runs, and has not been killed and only not been taken note of. */
function isEngine(pid: number): boolean {
  try {
    return /^\d+ \(dockerd\) [^XZ]/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

const enginePid = (): number => Number(readFileSync(PIDFILE, 'utf8'));

let job: TestJob | null = null;
afterEach(() => job?.close());

it.skipIf(!engineIsOurs())(
  'the engine dies by SIGKILL and comes back: the job goes on from its latest checkpoint',
  async () => {
    job = await TestJob.create('engine', 'script: train.py\nsteps: 200\ncheckpoint: { every: 20 }\n');
    job.write('train.py', readFileSync(TINY, 'utf8'));
    const up = job.spawn('up', '--json');
    await job.during(up, s => (s.step ?? 0) > 50, 'two checkpoints');
    process.kill(enginePid(), 'SIGKILL');
    const status = await job.ftc('ps');
    expect([status.code, status.stderr]).toEqual([3, expect.stringContaining('engine')]);
    const setup = await execa(process.execPath, [join(ROOT, 'scripts/setup.mjs')], { stdin: 'ignore' });
    expect(setup.exitCode).toBe(0);
    const { code, stdout, stderr } = await up.ended;
    expect(code, stderr).toBe(0);
    const final = JSON.parse(stdout) as Status;
    expect(final).toMatchObject({ state: 'succeeded', step: 200 });
    expect(stderr).toMatch(/resuming from the checkpoint of step \d+/);
  },
);

it.skipIf(!engineIsOurs())('ftc chaos engine ends it and starts it again, and the job goes on', async () => {
  job = await TestJob.create('engine', 'script: train.py\nsteps: 400\ncheckpoint: { every: 20 }\n');
  job.write('train.py', readFileSync(TINY, 'utf8'));
  const up = job.spawn('up', '--json');
  await job.during(up, s => (s.step ?? 0) > 50, 'two checkpoints');
  const before = enginePid();
  const refused = await job.ftc('chaos', 'engine');
  expect([refused.code, enginePid()]).toEqual([2, before]);
  const done = await job.ftc('chaos', 'engine', '--restart-engine', '--signal', 'KILL', '--json');
  expect(done.code, done.stderr).toBe(0);
  expect(JSON.parse(done.stdout)).toMatchObject({ fault: 'engine', whole: true });
  expect(enginePid()).not.toBe(before);
  expect((await job.ftc('chaos', 'heal')).stdout).toContain('nothing is left');
  const { code, stdout, stderr } = await up.ended;
  expect(code, stderr).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ state: 'succeeded', step: 400 });
});

it.skipIf(!engineIsOurs())(
  'ftc is killed when it has ended the engine: "ftc chaos heal" starts it, and the job goes on',
  async () => {
    job = await TestJob.create('engine', 'script: train.py\nsteps: 400\ncheckpoint: { every: 20 }\n');
    job.write('train.py', readFileSync(TINY, 'utf8'));
    const up = job.spawn('up', '--json');
    await job.during(up, s => (s.step ?? 0) > 50, 'two checkpoints');
    const before = enginePid();
    const command = job.spawn('chaos', 'engine', '--restart-engine', '--signal', 'KILL');
    // Nothing tells of it, as all that could is what is ended here.
    while (isEngine(before)) await new Promise(resolve => setTimeout(resolve, 1));
    command.kill('SIGKILL');
    await command.ended;
    const gone = await job.ftc('ps');
    expect([gone.code, gone.stderr]).toEqual([3, expect.stringContaining('no container engine answers')]);
    const healed = await job.ftc('chaos', 'heal');
    expect([healed.code, healed.stdout], healed.stderr).toEqual([
      0,
      expect.stringMatching(/^put right: engine/),
    ]);
    expect(isEngine(enginePid())).toBe(true);
    expect((await job.ftc('chaos', 'heal')).stdout).toContain('nothing is left');
    const { code, stdout, stderr } = await up.ended;
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ state: 'succeeded', step: 400 });
  },
);
