import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openFaults } from '../../chaos/journal/entries.ts';
import { readEntries } from '../../chaos/journal/file.ts';
import type { Strike } from '../../chaos/strike.ts';
import type { Container } from '../../src/docker/engine.ts';
import { Broken, eventually } from './chaos-lab.ts';
import { docker, TestJob, TINY } from './harness.ts';

const jobFile = `script: train.py
steps: 100000
standbys: 1
checkpoint: { every: 50, keep: 60 }
recovery: { heartbeat: 60s, hang: 10m, backoff: { initial: 300ms } }
`;

let job: TestJob;
let lab: Broken;
beforeAll(async () => {
  job = await TestJob.create('faults', jobFile);
  job.write('train.py', readFileSync(TINY, 'utf8'));
  // A volume with a size of its own: it can be full.
  await docker(
    ...['volume', 'create', '--opt', 'type=tmpfs', '--opt', 'device=tmpfs', '--opt', 'o=size=96m,mode=1777'],
    ...[
      '--label',
      `com.docker.compose.project=${job.name}`,
      '--label',
      'com.docker.compose.volume=checkpoints',
    ],
    `${job.name}_checkpoints`,
  );
  const up = await job.ftc('up', '-d');
  expect(up.code, up.stderr).toBe(0);
  lab = new Broken(job);
  await whole();
});
afterAll(async () => {
  lab.close();
  await job.close();
});

/** Three train, one waits, and another step is committed. */
async function whole(): Promise<void> {
  const { step } = await job.until(
    s =>
      s.worldSize === 3 &&
      s.workers.length === 4 &&
      s.workers.every(w => ['training', 'ready'].includes(w.state)),
    'three train and one waits',
  );
  await job.until(s => (s.step ?? 0) > (step ?? 0), 'another step');
}

async function target(who: string): Promise<Container> {
  return who === 'worker' ? job.rank(1) : job.one(who as 'master' | 'supervisor');
}
const aim = (who: string, c: Container): string[] =>
  who === 'worker' ? ['worker', '--container', c.name] : [who];
const open = (): string[] => openFaults(readEntries(job.folder, job.name)).map(r => r.fault);

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
    seen: async () =>
      (await lab.knock((await job.rank(0).catch(() => job.workers().then(w => w[0]!))).id, 'master')) ===
      'timed out',
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
      const hit = await target(who);
      expect(await seen(hit)).toBe(false);
      const command = job.spawn('chaos', fault, ...aim(who, hit), ...flags, '--for', '10m');
      const over = command.ended.then(({ stderr }) => Promise.reject(new Error(`it ended: ${stderr}`)));
      await Promise.race([eventually(`${fault} is in force`, () => seen(hit)), over]);
      over.catch(() => undefined);
      command.kill('SIGKILL');
      await command.ended;
      expect(open()).toEqual([fault]);
      const healed = await job.ftc('chaos', 'heal');
      expect([healed.code, healed.stdout], healed.stderr).toEqual([0, `put right: ${fault} of ${hit.name}`]);
      expect(await seen(hit)).toBe(false);
      expect(await lab.leftovers(hit)).toEqual([]);
      await whole();
      // Nobody was lost by what lasts less than the heartbeat.
      expect((await job.connection.engine.inspect(hit.id))?.startedAt).toBe(hit.startedAt);
    },
  );

  it('is undone at Ctrl+C, with exit code 130, and nobody else breaks the job meanwhile', async () => {
    const hit = await job.rank(1);
    const command = job.spawn('chaos', 'partition', 'worker', '--rank', '1', '--for', '10m');
    await eventually('it is in force', async () => open().length > 0 && (await shows(/FTC-/)(hit)));
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
      expect(open()).toEqual([]);
      await whole();
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
    expect(open()).toEqual([]);
    await whole();
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

const sudden: { fault: string; who?: string; flags?: string[]; died: number[] }[] = [
  { fault: 'kill', died: [137] },
  { fault: 'kill', flags: ['--signal', 'INT'], died: [1] },
  { fault: 'stop', died: [0] },
  { fault: 'crash', died: [139] },
  { fault: 'crash', who: 'supervisor', flags: ['--signal', 'KILL'], died: [137] },
  { fault: 'oom', died: [137] },
  { fault: 'restart', flags: ['--grace', '1'], died: [0, 137, 143] },
  { fault: 'restart', who: 'master', died: [0] },
  { fault: 'stop', who: 'master', died: [0] },
  { fault: 'remove', died: [137] },
  { fault: 'remove', who: 'master', died: [137] },
];

describe('a fault that is over at once', () => {
  it.each(sudden.map(s => [[s.fault, s.who ?? 'worker', ...(s.flags ?? [])].join(' '), s] as const))(
    '%s: is seen in the exit code, and the job is whole again',
    async (_, { fault, who = 'worker', flags = [], died }) => {
      const hit = await target(who);
      const { generation } = await job.until(() => true, 'the master answers');
      const done = await job.ftc('chaos', fault, ...aim(who, hit), ...flags, '--json');
      expect(done.code, done.stderr).toBe(0);
      const strike = JSON.parse(done.stdout) as Strike;
      expect(strike.hits).toMatchObject([{ container: hit.name, backMs: expect.any(Number) as number }]);
      expect(strike.recovery?.stepsLost ?? 0).toBe(0);
      // Nobody is lost with the master, however it goes.
      if (who !== 'worker') expect([strike.recovery, strike.generationAfter]).toEqual([null, generation]);
      const events = lab.events.filter(e => e.id === hit.id && e.at >= strike.at - 1);
      const death = await eventually('it died', () =>
        lab.events.find(e => e.id === hit.id && e.at >= strike.at - 1 && e.action === 'die'),
      );
      expect(died).toContain(death.exitCode);
      if (fault === 'oom') expect(events.map(e => e.action)).toContain('oom');
      if (fault === 'crash') expect(events.map(e => e.action)).not.toContain('kill');
      const now = (await job.containers()).find(c => c.name === hit.name);
      expect([now?.id === hit.id, now?.state]).toEqual([fault !== 'remove', 'running']);
      await whole();
      expect(await lab.leftovers(now!)).toEqual([]);
    },
  );

  it('is told from a signal that a program takes, and from one that it never gets', async () => {
    const hit = await job.rank(1);
    const done = await job.ftc('chaos', 'kill', 'worker', '--rank', '1', '--signal', 'WINCH', '--json');
    expect(JSON.parse(done.stdout)).toMatchObject({ whole: true, recovery: null, hits: [{ backMs: null }] });
    const kept = await job.ftc('chaos', 'kill', 'worker', '--signal', 'ABRT');
    expect([kept.code, kept.stderr]).toEqual([2, expect.stringContaining('"ftc chaos crash" sends any')]);
    expect((await job.connection.engine.inspect(hit.id))?.startedAt).toBe(hit.startedAt);
  });

  it.each(['kill', 'stop', 'crash', 'oom', 'restart', 'remove'])(
    '%s: leaves nothing when ftc is killed in the middle of it',
    async fault => {
      const hit = await job.rank(1);
      const before = readEntries(job.folder, job.name).length;
      const command = job.spawn('chaos', fault, 'worker', '--container', hit.name);
      await eventually('it is in the journal', () =>
        readEntries(job.folder, job.name)
          .slice(before)
          .some(e => e.type === 'fault'),
      );
      command.kill('SIGKILL');
      await command.ended;
      const healed = await job.ftc('chaos', 'heal');
      expect(healed.code, healed.stderr).toBe(0);
      // What the engine had been asked for may happen only now, and a removed one is made anew.
      const now = await eventually('it runs', async () =>
        (await job.containers()).find(c => c.name === hit.name && c.state === 'running'),
      );
      await whole();
      expect(await lab.leftovers(now)).toEqual([]);
    },
  );
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
    expect(open()).toEqual([]);
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

describe('again and again', () => {
  it('breaks as often and as far apart as it was told, and each time at the step or the moment that was asked for', async () => {
    const { step } = await job.until(() => true, 'it is asked');
    const at = (step ?? 0) + 200;
    const late = await job.ftc('chaos', 'kill', 'worker', '--when', `step=${at}`, '--json');
    expect((JSON.parse(late.stdout) as Strike).hits[0]?.atStep).toBeGreaterThanOrEqual(at - 1);
    await whole();
    const both = await job.ftc(
      ...['chaos', 'kill', 'worker', '--times', '2', '--every', '1s..2s', '--max-concurrent', '1', '--json'],
    );
    const { strikes } = JSON.parse(both.stdout) as { strikes: Strike[] };
    expect(strikes).toHaveLength(2);
    expect(strikes[1]!.at - strikes[0]!.at).toBeGreaterThanOrEqual(1000);
    expect(
      strikes.every(s => s.whole && s.recovery?.stepsLost === 0),
      both.stdout,
    ).toBe(true);
    await whole();
  });

  it('hits while a checkpoint is being written; then all die, and the newest that is whole is taken', async () => {
    const writing = await job.ftc('chaos', 'kill', 'worker', '--when', 'phase=checkpoint', '--json');
    expect(writing.code, writing.stderr).toBe(0);
    await whole();
    // Somebody looked at the volume from inside the master.
    expect(await lab.leftovers(await job.one('master'))).toEqual([]);
    const damaged = await job.ftc('chaos', 'corrupt-checkpoint', '--how', 'flip', '--json');
    const detail = (JSON.parse(damaged.stdout) as Strike).hits[0]?.detail ?? '';
    const [, step] = /^step-0*(\d+)\//.exec(detail) ?? [];
    expect(Number(step)).toBeGreaterThan(0);
    await job.ftc('chaos', 'kill', 'all');
    await whole();
    const events = (await job.events()).map(e => e.text).join('\n');
    const from = [...events.matchAll(/resuming from the checkpoint of step (\d+)/g)].at(-1)?.[1];
    expect(Number(from)).not.toBe(Number(step));
    expect(Number(from)).toBeGreaterThan(0);
  });
});
