import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readEntries } from '../../chaos/journal/file.ts';
import type { Strike } from '../../chaos/strike.ts';
import { aim, Broken, eventually } from './chaos-lab.ts';
import type { TestJob } from './harness.ts';
import { loadedIn } from './loaded.ts';

let lab: Broken;
let job: TestJob;
beforeAll(async () => {
  lab = await Broken.start('sudden');
  job = lab.job;
});
afterAll(() => lab.close());

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
      const hit = await lab.target(who);
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
      await lab.whole();
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
      await lab.whole();
      expect(await lab.leftovers(now)).toEqual([]);
    },
  );
});

describe('again and again', () => {
  it('breaks as often and as far apart as it was told, and each time at the step or the moment that was asked for', async () => {
    const { step } = await job.until(() => true, 'it is asked');
    const at = (step ?? 0) + 60;
    const late = await job.ftc('chaos', 'kill', 'worker', '--when', `step=${at}`, '--json');
    expect((JSON.parse(late.stdout) as Strike).hits[0]?.atStep).toBeGreaterThanOrEqual(at - 1);
    await lab.whole();
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
    await lab.whole();
  });

  it('hits while a checkpoint is being written; then all die, and the newest that is whole is taken', async () => {
    const writing = await job.ftc('chaos', 'kill', 'worker', '--when', 'phase=checkpoint', '--json');
    expect(writing.code, writing.stderr).toBe(0);
    await lab.whole();
    // Somebody looked at the volume from inside the master.
    expect(await lab.leftovers(await job.one('master'))).toEqual([]);
    const damaged = await job.ftc('chaos', 'corrupt-checkpoint', '--how', 'flip', '--json');
    const detail = (JSON.parse(damaged.stdout) as Strike).hits[0]?.detail ?? '';
    const [, step] = /^step-0*(\d+)\//.exec(detail) ?? [];
    expect(Number(step)).toBeGreaterThan(0);
    await job.ftc('chaos', 'kill', 'all');
    await lab.whole();
    const from = loadedIn(await job.events()).at(-1);
    expect(from).not.toBe(Number(step));
    expect(from).toBeGreaterThan(0);
  });
});
