import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { CheckpointRow } from '../../src/api/checkpoint-row.ts';
import { docker, type Ended, TestJob, TINY } from './harness.ts';

let job: TestJob;
afterEach(() => job.close());

async function upWith(label: string, script: string, more = 'steps: 60'): Promise<Ended> {
  job = await TestJob.create(label, `script: train.py\nworkers: 2\n${more}\n`);
  job.write('train.py', script);
  return job.ftc('up');
}

const restarts = async (): Promise<number[]> =>
  (await job.until(() => true, 'a status')).workers.map(w => w.restarts);

describe('a script that', () => {
  it('raises at import fails the job after the second try, with the traceback on screen', async () => {
    const { code, stderr } = await upWith('import', 'import ftc\nimport nothing_of_that_name\n');
    expect(code, stderr).toBe(4);
    expect(stderr).toContain("ModuleNotFoundError: No module named 'nothing_of_that_name'");
    expect(stderr).toContain('train.py", line 2');
    expect(stderr).not.toContain('at async');
    expect(Math.max(...(await restarts()))).toBeLessThanOrEqual(1);
  });

  it('raises at the same step on every worker does too', async () => {
    const { code, stderr } = await upWith(
      'step',
      readFileSync(TINY, 'utf8'),
      'args: ["0.02", "30"]\nsteps: 60',
    );
    expect(code, stderr).toBe(4);
    expect(stderr).toContain('ValueError: this script fails at step 30');
    expect(Math.max(...(await restarts()))).toBeLessThanOrEqual(2);
  });

  it('has a syntax error fails at once, and is shown the line', async () => {
    const { code, stderr } = await upWith('syntax', 'import ftc\ndef train(job:\n');
    expect(code, stderr).toBe(4);
    expect(stderr).toContain('SyntaxError');
    expect(stderr).toMatch(/train\.py.*line 2/);
    expect(await restarts()).toEqual([0, 0]);
  });

  it('never calls batches is told so', async () => {
    const { code, stderr } = await upWith('batches', 'import ftc\nftc.run(lambda job: None)\n');
    expect(code, stderr).toBe(4);
    expect(stderr).toContain('batches');
  });

  it('is missing is named before anything starts', async () => {
    job = await TestJob.create('missing', 'script: absent.py\n');
    const { code, stderr } = await job.ftc('up');
    expect([code, stderr]).toEqual([2, expect.stringContaining('absent.py')]);
    expect(await job.containers()).toEqual([]);
  });
});

describe('the surroundings', () => {
  it('checkpoints of another model are refused and kept', async () => {
    const script = readFileSync(TINY, 'utf8');
    const first = await upWith('model', script, 'steps: 20\nname: any');
    expect(first.code, first.stderr).toBe(0);
    const listed = async () =>
      (JSON.parse((await job.ftc('checkpoints', '--json')).stdout) as CheckpointRow[]).map(
        ({ name, bytes, createdAt, latest }) => ({ name, bytes, createdAt, latest }),
      );
    const before = await listed();
    expect(before.length).toBeGreaterThan(0);
    job.write('train.py', script.replace('"64"', '"48"'));
    const second = await job.ftc('up', '--steps', '40');
    expect(second.code, second.stderr).toBe(4);
    expect(second.stderr).toMatch(/belongs to another run \(model/);
    expect(second.stderr).not.toContain('Traceback');
    expect(await listed()).toEqual(before);
  });

  it('a full volume fails checkpoints with a clear event, and training goes on', async () => {
    job = await TestJob.create(
      'full',
      'script: train.py\nworkers: 2\nsteps: 250\ncheckpoint: { every: 10 }\n',
    );
    job.write('train.py', readFileSync(TINY, 'utf8'));
    const size = ['--opt', 'type=tmpfs', '--opt', 'device=tmpfs', '--opt', 'o=size=4m,uid=10001'];
    await docker('volume', 'create', ...size, `${job.name}_checkpoints`);
    const up = job.spawn('up');
    await job.trains(5, 2, up);
    const master = await job.one('master');
    const shell = (command: string): Promise<Ended> => docker('exec', master.id, 'sh', '-c', command);
    await shell('cat /dev/zero > /checkpoints/filler; true');
    const failed = async (): Promise<boolean> =>
      (await job.events()).some(
        e => e.kind === 'checkpoint' && e.level === 'warn' && /space|full/i.test(e.text),
      );
    let at = 0;
    await job.during(up, s => (s.step ?? 0) > (at ||= s.step ?? 0) + 40, 'training goes on');
    expect(await failed()).toBe(true);
    await shell('rm /checkpoints/filler');
    const { code, stderr } = await up.ended;
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(/checkpoint of step \d+ failed/);
  });

  it('a port in use is named, and nothing is left behind', async () => {
    const server = createServer();
    await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as { port: number };
    job = await TestJob.create('port', 'script: train.py\n');
    job.write('train.py', readFileSync(TINY, 'utf8'));
    const { code, stderr } = await job.ftc('up', '--port', String(port));
    server.close();
    expect([code, stderr]).toEqual([6, expect.stringContaining(String(port))]);
    expect(await job.containers()).toEqual([]);
  });

  it('chaos needs something to break', async () => {
    job = await TestJob.create('chaos', 'script: train.py\nworkers: 2\nsteps: 500\n');
    job.write('train.py', readFileSync(TINY, 'utf8'));
    const nothing = await job.ftc('chaos', 'kill', 'worker');
    expect([nothing.code, nothing.stderr]).toEqual([5, expect.stringContaining('no job')]);
    const up = job.spawn('up');
    await job.trains(5, 2, up);
    const absent = await job.ftc('chaos', 'kill', 'worker', '--rank', '7');
    expect([absent.code, absent.stderr]).toEqual([5, expect.stringMatching(/rank 7[^]*rank 0/)]);
    const real = await job.ftc('chaos', 'kill', 'worker', '--rank', '1', '--json');
    expect(real.code, real.stderr).toBe(0);
    expect(JSON.parse(real.stdout)).toMatchObject({
      signal: 'SIGKILL',
      killed: [{ rank: 1, backMs: expect.any(Number) as number }],
      recovery: { lostRanks: [1], stepsLost: 0 },
      whole: true,
    });
  });
});
