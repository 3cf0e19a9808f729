/** The engine dies and comes back: an engine of this file's own, so that whoever uses the machine's notices nothing. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createDaemon } from '../../src/runtime/docker/daemon.ts';
import { engineProcess } from '../../src/runtime/docker/engine-process.ts';
import { connect } from '../../src/runtime/docker/connect.ts';
import type { Status } from '../../src/api/status.ts';
import { docker, TestJob, TINY } from './harness.ts';
import { OwnEngine, whyNone } from './own-engine/own-engine.ts';
import { smallImage } from './small-image.ts';

const why = await whyNone();
if (why !== null) console.warn(`left out: an engine is killed. ${why}`);

/** On the machine's engine: somebody's, as far as these tests are concerned. */
const neighbour = 'ftctest-neighbour';
const STATE = '{{.State.Status}} {{.State.StartedAt}} {{.State.Pid}}';
/** The neighbour and the process of the machine's engine. */
async function machine(): Promise<unknown> {
  const { host } = await connect();
  const { stdout } = await docker('inspect', '--format', STATE, neighbour);
  return [stdout, await engineProcess(host.url.slice('unix://'.length))];
}

describe.skipIf(why !== null)('an engine that dies', () => {
  let engine: OwnEngine;
  let job: TestJob | null = null;
  let before: unknown;

  beforeAll(async () => {
    const { docker: first } = await connect();
    const marks = ['--name', neighbour, '--label', `io.ftc.job=${neighbour}`];
    await docker('run', '--detach', ...marks, await smallImage(first), 'sleep', '3600');
    before = await machine();
    expect(before).toEqual([expect.stringMatching(/^running /), expect.anything()]);
    engine = await OwnEngine.start();
    return async () => {
      await engine.close();
      const after = await machine();
      await docker('rm', '--force', neighbour);
      expect(after).toEqual(before);
      expect(existsSync(engine.folder)).toBe(false);
      expect(leftCgroups(engine.folder)).toEqual([]);
    };
  });
  afterEach(() => job?.close());

  /** A job of that many steps on the own engine, past its second checkpoint. */
  async function start(steps: number) {
    job = await TestJob.create(
      'engine',
      `script: train.py\nsteps: ${steps}\ncheckpoint: { every: 20 }\n`,
      engine,
    );
    job.write('train.py', readFileSync(TINY, 'utf8'));
    const up = job.spawn('up', '--json');
    await job.during(up, s => (s.step ?? 0) > 50, 'two checkpoints');
    const done = async () => {
      const { code, stdout, stderr } = await up.ended;
      expect(code, stderr).toBe(0);
      expect(JSON.parse(stdout) as Status).toMatchObject({ state: 'succeeded', step: steps });
      return stderr;
    };
    return { job, done };
  }

  it('by SIGKILL, and comes back: the job goes on from its latest checkpoint', async () => {
    const { job, done } = await start(300);
    await engine.kill();
    const status = await job.ftc('ps');
    expect([status.code, status.stderr]).toEqual([3, expect.stringContaining('engine')]);
    await engine.restart();
    expect(await done()).toMatch(/resuming from the checkpoint of step \d+/);
  });

  it('by "ftc chaos engine", which ends the one that DOCKER_HOST names, and starts it as it was', async () => {
    const { job, done } = await start(400);
    // Another one, where the system's own would be: at the default socket, with the default pid file.
    const apart = ['--bridge=none', '--iptables=false'];
    await engine.startAnother('docker', '/run/docker.sock', join(engine.folder, 'other'), ...apart);
    const [own, other] = [await engine.pid(), await engine.pid('docker')];
    const refused = await job.ftc('chaos', 'engine');
    expect([refused.code, await engine.pid()]).toEqual([2, own]);
    const broken = await job.ftc('chaos', 'engine', '--restart-engine', '--signal', 'KILL', '--json');
    expect(broken.code, broken.stderr).toBe(0);
    expect(JSON.parse(broken.stdout)).toMatchObject({ fault: 'engine', whole: true });
    expect(await engine.pid()).not.toBe(own);
    expect(await engine.run('cat', `/proc/${other}/comm`)).toBe('dockerd');
    expect((await job.ftc('chaos', 'heal')).stdout).toContain('nothing is left');
    await done();
  });

  it('and ftc, too, having ended it: "ftc chaos heal" starts it, and the job goes on', async () => {
    const { job, done } = await start(400);
    const own = await engine.pid();
    const command = job.spawn('chaos', 'engine', '--restart-engine', '--signal', 'KILL');
    // Nothing tells of it, as all that could is what is ended here.
    await engine.run('sh', '-c', `while [ "$(cat /proc/${own}/comm 2>/dev/null)" = dockerd ]; do :; done`);
    command.kill('SIGKILL');
    await command.ended;
    const gone = await job.ftc('ps');
    expect([gone.code, gone.stderr]).toEqual([3, expect.stringContaining('no container engine answers')]);
    const healed = await job.ftc('chaos', 'heal');
    expect([healed.code, healed.stdout], healed.stderr).toEqual([
      0,
      expect.stringMatching(/^put right: engine/),
    ]);
    expect(await engine.pid()).not.toBe(own);
    expect((await job.ftc('chaos', 'heal')).stdout).toContain('nothing is left');
    await done();
  });

  it('never by a command that could not start it again, because it runs elsewhere', async () => {
    const [own, daemon] = [
      await engine.pid(),
      createDaemon(await connect({ ...process.env, ...engine.env })),
    ];
    await expect(daemon.look()).rejects.toMatchObject({
      code: 'FTC_CANNOT',
      message: expect.stringContaining('namespaces of its own') as string,
    });
    expect(await engine.pid()).toBe(own);
  });
});

const leftCgroups = (folder: string): string[] =>
  ['.', ...readdirSync('/sys/fs/cgroup')]
    .map(kind => join('/sys/fs/cgroup', kind, basename(folder)))
    .filter(group => existsSync(group));
