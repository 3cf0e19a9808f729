import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readEntries } from '../../chaos/journal/file.ts';
import type { Strike } from '../../chaos/strike.ts';
import type { Container } from '../../src/runtime/docker/engine.ts';
import { aim, Broken, eventually } from './chaos-lab.ts';
import { docker, type TestJob } from './harness.ts';

let lab: Broken;
let job: TestJob;
beforeAll(async () => {
  lab = await Broken.start('lasting');
  job = lab.job;
});
afterAll(() => lab.close());

/** Somebody who is not hit. */
const other = async (c: Container): Promise<Container> =>
  (await job.workers()).find(w => w.id !== c.id && w.state === 'running')!;

interface Lasting {
  readonly fault: string;
  readonly who?: string;
  readonly flags?: readonly string[];
  /** What shows from outside that it is in force. */
  readonly seen: (c: Container) => Promise<boolean>;
}

const shows = (pattern: RegExp) => async (c: Container) => pattern.test(await lab.network(c));
const quota = async (c: Container): Promise<number> =>
  Number((await docker('inspect', '--format', '{{.HostConfig.CpuQuota}}', c.id)).stdout);
const busy = async (c: Container): Promise<boolean> =>
  (await docker('top', c.id, '-o', 'pid,args')).stdout.split('while :; do :; done').length > 2;
const stands = async (c: Container): Promise<boolean> => {
  const running = (await job.connection.engine.inspect(c.id))?.state === 'running';
  return running && (await lab.inside(c.id, 'grep -l "^State:.T" /proc/[0-9]*/status')) !== '';
};

const lasting: Lasting[] = [
  { fault: 'pause', seen: async c => (await job.connection.engine.inspect(c.id))?.state === 'paused' },
  { fault: 'hang', seen: stands },
  { fault: 'hang', who: 'supervisor', seen: stands },
  { fault: 'slow', flags: ['--cpus', '0.5'], seen: async c => (await quota(c)) === 50_000 },
  { fault: 'slow', who: 'master', flags: ['--cpus', '0.5'], seen: async c => (await quota(c)) === 50_000 },
  { fault: 'cpu', seen: busy },
  {
    fault: 'partition',
    seen: async c =>
      (await lab.knock((await other(c)).id, c.name)) === 'timed out' && shows(/FTC-\S+ .*-j DROP/)(c),
  },
  {
    fault: 'partition',
    flags: ['--from', 'master', '--direction', 'to'],
    seen: async c => {
      const [master, peer] = await Promise.all([lab.knock(c.id, 'master'), other(c)]);
      return master === 'timed out' && (await lab.knock(c.id, peer.name)) === 'refused';
    },
  },
  {
    fault: 'partition',
    who: 'master',
    flags: ['--direction', 'from'],
    seen: async c => (await lab.knock((await other(c)).id, 'master')) === 'timed out',
  },
  {
    fault: 'loss',
    flags: ['--share', '20%'],
    // Its rule has dropped something.
    seen: shows(/^\s+[1-9]\d*\s+\d+ DROP .*statistic mode random probability 0\.20/m),
  },
  { fault: 'delay', flags: ['--time', '30ms'], seen: shows(/^\s+[1-9]\d*\s+\d+ NFQUEUE |netem .*delay 30/m) },
  { fault: 'rate', flags: ['--limit', '20mbit'], seen: shows(/qdisc tbf .* rate 20Mbit/) },
  {
    fault: 'disk-full',
    who: 'master',
    seen: async c =>
      /No space left/.test(
        (await docker('exec', c.id, 'sh', '-c', 'head -c 100000 /dev/zero > /checkpoints/probe')).stderr,
      ),
  },
  {
    fault: 'disk-slow',
    who: 'master',
    flags: ['--bytes', '8m'],
    seen: async c => {
      const size = await lab.inside(c.id, `stat -c %s /checkpoints/${job.name}/.chaos-* 2>/dev/null`);
      const helper = await docker('ps', '--quiet', '--filter', `label=io.ftc.chaos=${job.name}`);
      // The helper itself, and two that write.
      const writers = (await docker('top', helper.stdout, '-o', 'pid,args')).stdout.match(/ftc_chaos/g);
      return Number(size) > 0 && (writers?.length ?? 0) >= 3;
    },
  },
  {
    fault: 'corrupt-checkpoint',
    who: 'master',
    flags: ['--how', 'truncate'],
    seen: async () => (await job.ftc('checkpoints', '--json')).stdout.includes('damaged'),
  },
];

describe('a fault that lasts', () => {
  it.each(lasting.map(l => [[l.fault, l.who ?? 'worker', ...(l.flags ?? [])].join(' '), l] as const))(
    '%s: is seen from outside, is put right by "ftc chaos heal" when ftc was killed, and the job goes on',
    async (_, { fault, who = 'worker', flags = [], seen }) => {
      const hit = await lab.target(who);
      expect(await seen(hit)).toBe(false);
      const command = job.spawn('chaos', fault, ...aim(who, hit), ...flags, '--for', '10m');
      const over = command.ended.then(({ stderr }) => Promise.reject(new Error(`it ended: ${stderr}`)));
      await Promise.race([eventually(`${fault} is in force`, () => seen(hit)), over]);
      over.catch(() => undefined);
      command.kill('SIGKILL');
      await command.ended;
      expect(lab.open()).toEqual([fault]);
      const healed = await job.ftc('chaos', 'heal');
      expect([healed.code, healed.stdout], healed.stderr).toEqual([0, `put right: ${fault} of ${hit.name}`]);
      expect(await seen(hit)).toBe(false);
      expect(await lab.leftovers(hit)).toEqual([]);
      await lab.whole();
      // Nobody was lost by what lasts less than the heartbeat.
      expect((await job.connection.engine.inspect(hit.id))?.startedAt).toBe(hit.startedAt);
    },
  );

  it('lasts as long as it was told, however short the watch after it', async () => {
    const done = await job.ftc(
      ...['chaos', 'pause', 'worker', '--rank', '1', '--for', '4s', '--timeout', '1', '--json'],
    );
    expect(done.code, done.stderr).toBe(0);
    expect((JSON.parse(done.stdout) as Strike).undoneMs).toBeGreaterThanOrEqual(4000);
    await lab.whole();
  });

  it('is undone at Ctrl+C, with exit code 130, and nobody else breaks the job meanwhile', async () => {
    const hit = await job.rank(1);
    const command = job.spawn('chaos', 'partition', 'worker', '--rank', '1', '--for', '10m');
    await eventually('it is in force', async () => lab.open().length > 0 && (await shows(/FTC-/)(hit)));
    const second = await job.ftc('chaos', 'kill', 'worker');
    expect([second.code, second.stderr]).toEqual([
      5,
      expect.stringMatching(/"ftc chaos partition .* process \d+/),
    ]);
    expect((await job.ftc('chaos', 'heal')).code).toBe(5);
    command.kill('SIGINT');
    const { code, stderr } = await command.ended;
    expect([code, stderr]).toEqual([130, expect.stringContaining('undone')]);
    expect(await lab.leftovers(hit)).toEqual([]);
  });

  it.each(['pause', 'loss'])(
    '%s: is a note, and no error, when its target vanishes half-way',
    async fault => {
      const hit = await job.rank(1);
      const command = job.spawn('chaos', fault, 'worker', '--rank', '1', '--for', '5s', '--json');
      await eventually('it is in force', () => readEntries(job.folder, job.name).at(-1)?.type === 'applied');
      await docker('rm', '--force', hit.id);
      const { code, stdout, stderr } = await command.ended;
      expect(code, stderr).toBe(0);
      const strike = JSON.parse(stdout) as Strike;
      expect(strike).toMatchObject({ whole: true, leftOpen: false });
      expect(strike.notes.join()).toContain('the container is gone');
      expect(lab.open()).toEqual([]);
      await lab.whole();
    },
  );

  it('is undone although its container was paused when its time was over', async () => {
    const hit = await job.rank(1);
    const command = job.spawn('chaos', 'hang', 'worker', '--rank', '1', '--for', '3s', '--json');
    await eventually('it is in force', () => stands(hit));
    await docker('pause', hit.id);
    await eventually('it was to be undone', () => {
      const [applied] = readEntries(job.folder, job.name)
        .filter(e => e.type === 'applied')
        .slice(-1);
      return applied !== undefined && Date.now() > applied.at + 3500;
    });
    await docker('unpause', hit.id);
    const { code, stderr } = await command.ended;
    expect(code, stderr).toBe(0);
    expect(await stands(hit)).toBe(false);
    expect(lab.open()).toEqual([]);
    await lab.whole();
  });

  it('is undone by the helper itself when ftc was killed and nobody heals', async () => {
    const hit = await job.rank(1);
    const command = job.spawn('chaos', 'loss', 'worker', '--rank', '1', '--for', '3s');
    await eventually('it is in force', () => shows(/FTC-/)(hit));
    command.kill('SIGKILL');
    await eventually('it is not any more', async () => !(await shows(/FTC-/)(hit)));
    expect((await job.ftc('chaos', 'heal')).stdout).toBe(`put right: loss of ${hit.name}`);
    expect(await lab.leftovers(hit)).toEqual([]);
  });
});

describe('what cannot be done', () => {
  it('is said, with the reason and an exit code of its own', async () => {
    const list = JSON.parse((await job.ftc('chaos', 'list', '--json')).stdout) as {
      name: string;
      possible: boolean;
      reason: string;
    }[];
    expect(list.find(f => f.name === 'kill')).toMatchObject({ possible: true, reason: null });
    for (const { name, reason } of list.filter(f => !f.possible)) {
      const refused = await job.ftc('chaos', name, 'worker');
      expect([refused.code, refused.stderr]).toEqual([6, expect.stringContaining(`${name} cannot be done`)]);
      expect(reason).not.toBe('');
    }
    expect(list.find(f => f.name === 'clock')?.possible).toBe(false);
    const engine = await job.ftc('chaos', 'engine');
    expect([engine.code, engine.stderr]).toEqual([2, expect.stringContaining('--restart-engine')]);
    expect(lab.open()).toEqual([]);
  });

  it('is nothing that --dry-run would hit either', async () => {
    const before = await job.containers();
    const dry = await job.ftc(
      'chaos',
      'kill',
      'worker',
      '--count',
      '2',
      '--seed',
      '3',
      '--dry-run',
      '--json',
    );
    expect((JSON.parse(dry.stdout) as { hits: unknown[] }).hits).toHaveLength(2);
    expect(
      (await job.ftc('chaos', 'kill', 'worker', '--count', '2', '--seed', '3', '--dry-run', '--json')).stdout,
    ).toBe(dry.stdout);
    expect(await job.containers()).toEqual(before);
  });
});
