import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobEvent } from '../../src/api/event.ts';
import type { Status } from '../../src/api/status.ts';
import { docker, type Ended, TestJob, TINY } from './harness.ts';

const FILE = 'script: train.py\nargs: ["0.4"]\nsteps: 200\nworkers: 2\nstandbys: 1\nstandbySync: 2\n';
/** Its steps are slow until the file `fast` is beside it. */
const SCRIPT = readFileSync(TINY, 'utf8').replace(
  'time.sleep(PAUSE / 4)',
  'time.sleep(0 if os.path.exists("/job/fast") else PAUSE / 4)',
);

/** Who is what, as `ftc ps` and `ftc status` tell it. */
type Roles = Record<string, string>;

const role = ({ role, rank }: { role: string | null; rank: number | null }): string =>
  rank === null ? (role ?? 'none') : `rank ${rank}`;

describe('two workers and a standby that takes the state, one rank killed with plain docker kill', () => {
  let job: TestJob;
  let ended: Ended;
  let final: Status;
  let events: JobEvent[];
  const seen: { ps: Roles; status: Roles }[] = [];
  let [victim, survivor, standby] = ['', '', ''];
  let logs: string;

  const roles = async (): Promise<{ ps: Roles; status: Roles }> => {
    const ps = JSON.parse((await job.ftc('ps', '--json')).stdout) as {
      id: string;
      role: string;
      rank: number | null;
    }[];
    const status = JSON.parse((await job.ftc('status', '--json')).stdout) as Status;
    const workers = ps.filter(row => row.role === 'worker' || row.role === 'standby');
    return {
      ps: Object.fromEntries(workers.map(row => [row.id, role(row)])),
      status: Object.fromEntries(status.workers.map(row => [row.id, role(row)])),
    };
  };

  beforeAll(async () => {
    job = await TestJob.create('standby', FILE);
    job.write('train.py', SCRIPT);
    const up = job.spawn('up', '--json');
    const warm = (s: Status): boolean =>
      s.worldSize === 2 && s.workers.some(w => w.role === 'standby' && (w.step ?? 0) > 0);
    const before = await job.during(up, warm, 'the standby holds a state');
    const id = (test: (w: Status['workers'][number]) => boolean): string =>
      before.workers.find(test)?.id ?? '';
    [victim, survivor, standby] = [
      id(w => w.rank === 0),
      id(w => w.rank === 1),
      id(w => w.role === 'standby'),
    ];
    seen.push(await roles());
    await docker('kill', (await job.workers()).find(c => c.hostname === victim)?.id ?? '');
    const back = (s: Status): boolean =>
      s.recoveries.some(r => r.wholeMs !== null) &&
      s.workers.some(w => w.id === victim && w.role === 'standby' && (w.step ?? 0) > 0);
    await job.during(up, back, 'the killed one is a standby that holds a state');
    seen.push(await roles());
    events = await job.events();
    job.write('fast', '');
    ended = await up.ended;
    final = JSON.parse(ended.stdout) as Status;
    logs = (await job.ftc('logs', 'worker')).stdout;
  }, 120_000);
  afterAll(() => job.close());

  it('gives the rank to the standby in the very next generation, and is never smaller meanwhile', () => {
    expect(events.filter(e => e.kind === 'generation')).toMatchObject([
      { generation: 1, fact: { what: 'generation-formed', size: 2 } },
      { generation: 2, fact: { what: 'generation-formed', size: 2 } },
    ]);
    expect(events.filter(e => e.kind === 'joined')).toMatchObject([
      {
        worker: standby,
        rank: 1,
        text: expect.stringContaining('is promoted from standby to rank 1') as string,
      },
    ]);
    expect(final.recoveries).toMatchObject([{ lostRanks: [0], stepsLost: 0, generation: 2 }]);
    expect(final.recoveries[0]?.wholeMs).toBe(final.recoveries[0]?.resumedMs);
  });

  it('tells roles as they are, before and after', () => {
    const before = { [victim]: 'rank 0', [survivor]: 'rank 1', [standby]: 'standby' };
    const after = { [survivor]: 'rank 0', [standby]: 'rank 1', [victim]: 'standby' };
    expect(seen).toEqual([
      { ps: before, status: before },
      { ps: after, status: after },
    ]);
    expect(logs).toContain('ftc: standby in generation 1');
    expect(logs).toContain('ftc: standby in generation 2');
    expect(logs).toContain('ftc: rank 1 of 2 in generation 2');
  });

  it('ends with the bits of an undisturbed run', async () => {
    expect(ended.code, ended.stderr).toBe(0);
    expect((await job.ftc('down', '--volumes')).code).toBe(0);
    const quiet = await job.ftc('up', '--scale', 'worker=1', '--standbys', '0', '--json');
    expect(quiet.code, quiet.stderr).toBe(0);
    expect(JSON.parse(quiet.stdout)).toMatchObject({ finalDigest: final.finalDigest, recoveries: [] });
  });
});
