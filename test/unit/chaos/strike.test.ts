import { describe, expect, it } from 'vitest';
import type { Hit } from '../../../chaos/faults/fault.ts';
import type { Infliction } from '../../../chaos/infliction.ts';
import { observe, type Sight, type Strike, strikeOf } from '../../../chaos/strike.ts';
import { hitLines, strikeTable, summary } from '../../../src/cli/view/chaos.ts';
import type { Container } from '../../../src/runtime/docker/engine.ts';
import type { Role } from '../../../src/shared/names.ts';
import { noChecks } from '../../../src/api/replicas.ts';
import type { Recovery, Status } from '../../../src/api/status.ts';

const container = (id: string, startedAt: number, more: Partial<Container> = {}): Container =>
  ({
    id,
    hostname: id,
    name: `job-${id}`,
    role: 'worker',
    state: 'running',
    startedAt,
    ...more,
  }) as Container;
const hit = (id: string, role: Role = 'worker', rank: number | null = 0): Hit => ({
  container: container(id, 0),
  role,
  rank,
});
const recovery = (more: Partial<Recovery> = {}): Recovery =>
  ({
    lost: ['a'],
    at: 1100,
    resumedMs: null,
    wholeMs: null,
    resumedStep: null,
    stepsLost: null,
    ...more,
  }) as Recovery;
const status = (more: Partial<Status> = {}, state = 'training'): Status =>
  ({
    state: 'running',
    generation: 2,
    worldSize: 3,
    target: 3,
    step: 7,
    recoveries: [],
    // Its own number is a heartbeat old.
    workers: [{ id: 'a', rank: 0, step: 4, state }],
    ...more,
  }) as unknown as Status;

const waiting = (state: string) => [{ id: 'a', rank: null, state }] as unknown as Status['workers'];

function struck(name: string, hits: readonly Hit[], forMs: number | null = null, before = status()): Strike {
  const order = { fault: { name, corrupts: name === 'bitflip' }, params: {}, seed: 1, forMs };
  const infliction = { order, at: 1000, hits, detail: () => null } as unknown as Infliction;
  return strikeOf(infliction, before);
}
const sight = (more: Partial<Sight>): Sight => ({
  status: status(),
  containers: [container('a', 0)],
  isOver: true,
  ends: false,
  now: 3000,
  ...more,
});

describe('what comes of a fault', () => {
  it('is whole when the container runs anew and the master has measured it', () => {
    const strike = struck('kill', [hit('a')]);
    const see = (more: Partial<Sight>): boolean =>
      observe(strike, [hit('a')], sight({ ends: true, ...more }));
    expect(see({ containers: [container('a', 0, { state: 'exited' })] })).toBe(false);
    expect(see({ status: null })).toBe(false);
    const running = recovery({ resumedMs: 50, resumedStep: 8, stepsLost: 0 });
    expect(see({ containers: [container('a', 1500)], status: status({ recoveries: [running] }) })).toBe(
      false,
    );
    const whole = recovery({ ...running, wholeMs: 900 });
    expect(see({ containers: [container('a', 1500)], status: status({ recoveries: [whole] }) })).toBe(true);
    expect(strike).toMatchObject({
      resumedMs: 150,
      wholeMs: 1000,
      whole: true,
      hits: [{ backMs: 500, atStep: 7 }],
    });
    expect(hitLines(strike).join('\n')).toBe('SIGKILL to job-a (rank 0) after step 7');
    expect(summary(strike)).toEqual([
      '',
      'training went on at step 8  150 ms after the kill, no committed step lost',
      'job-a was running again  500 ms after the kill',
      'fully recovered, generation 2  1.00 s after the kill',
    ]);
  });

  it('waits for the fault to be undone, where it lasts', () => {
    const strike = struck('pause', [hit('a')], 2000);
    expect(observe(strike, [hit('a')], sight({ isOver: false }))).toBe(false);
    expect(strike.undoneMs).toBeNull();
    expect(observe(strike, [hit('a')], sight({ now: 3100 }))).toBe(true);
    expect(strike).toMatchObject({ undoneMs: 2100, recovery: null, whole: true });
    expect(summary(strike).at(-1)).toBe('no worker was lost; training continues');
    expect(strikeTable([strike])[1]).toContain('2.10 s');
  });

  it('takes another container of its name for one that was removed', () => {
    const strike = struck('remove', [hit('a')]);
    const none = status({ workers: [], worldSize: 2 });
    expect(observe(strike, [hit('a')], sight({ ends: true, containers: [], status: none }))).toBe(false);
    const anew = container('b', 1700, { name: 'job-a' });
    expect(
      observe(strike, [hit('a')], sight({ ends: true, containers: [anew], status: status({ workers: [] }) })),
    ).toBe(true);
    expect(strike.hits[0]?.backMs).toBe(700);
  });

  it('of a standby is whole when it waits again, and of the master when that answers', () => {
    const standby = struck('kill', [hit('a', 'worker', null)]);
    const back = [container('a', 1500)];
    expect(
      observe(
        standby,
        [hit('a')],
        sight({ ends: true, containers: back, status: status({ workers: waiting('starting') }) }),
      ),
    ).toBe(false);
    expect(
      observe(
        standby,
        [hit('a')],
        sight({ ends: true, containers: back, status: status({ workers: waiting('ready') }) }),
      ),
    ).toBe(true);
    const master = struck('kill', [hit('m', 'master', null)]);
    const anew = [container('m', 1200, { role: 'master' })];
    expect(observe(master, [hit('m', 'master')], sight({ ends: true, status: null, containers: anew }))).toBe(
      false,
    );
    expect(observe(master, [hit('m', 'master')], sight({ ends: true, containers: anew }))).toBe(true);
  });

  it('is not whole while a master that has come back waits for those who trained', () => {
    const strike = struck('engine', [hit('m', 'master', null)]);
    expect(observe(strike, [hit('m', 'master')], sight({ status: status({}, 'down') }))).toBe(false);
    expect(observe(strike, [hit('m', 'master')], sight({ status: status() }))).toBe(true);
  });

  it('is at its end when the job is, and says so where it was not whole', () => {
    const strike = struck('kill', [hit('a')]);
    expect(observe(strike, [hit('a')], sight({ ends: true, status: status({ state: 'succeeded' }) }))).toBe(
      true,
    );
    expect(summary(strike).at(-1)).toBe('the job ended, with success, before it was fully recovered');
    const ignored = struck('kill', [hit('a')]);
    observe(ignored, [hit('a')], sight({ ends: true }));
    expect(summary(ignored).at(-1)).toBe('nothing was lost: the containers took it and went on');
  });

  it('is over when a program goes on that may have taken the signal', () => {
    const strike = struck('kill', [hit('a')]);
    const see = (more: Partial<Sight>): boolean => observe(strike, [hit('a')], sight(more));
    expect(see({ ends: 'maybe', now: 3000 })).toBe(false);
    expect(see({ ends: 'maybe', now: 12_000, containers: [container('a', 0, { state: 'exited' })] })).toBe(
      false,
    );
    expect(see({ ends: true, now: 12_000 })).toBe(false);
    expect(see({ ends: 'maybe', now: 12_000 })).toBe(true);
    expect(strike).toMatchObject({ whole: true, recovery: null, hits: [{ backMs: null }] });
  });

  describe('a flipped bit', () => {
    const replicas = (mismatches: number, repaired = 0, returned = 0) => ({
      ...noChecks,
      checks: 90,
      mismatches,
      repaired,
      returned,
    });
    const before = status({ replicas: replicas(2, 2) });
    const see = (strike: Strike, more: Partial<Status>): boolean =>
      observe(strike, [hit('a')], sight({ status: status(more) }));

    it('is waited for until the workers have found it', () => {
      const strike = struck('bitflip', [hit('a')], null, before);
      expect(see(strike, { step: 100, replicas: replicas(2, 2) })).toBe(false);
      expect(summary(strike)).toContain('the workers have found nothing yet');
      expect(see(strike, { step: 101, replicas: replicas(3, 3) })).toBe(true);
      expect(strike.replicasBefore).toEqual({ checks: 90, mismatches: 2, repaired: 2, returned: 0 });
      expect(strike.replicasAfter).toEqual({ checks: 90, mismatches: 3, repaired: 3, returned: 0 });
      expect(summary(strike)).toEqual([
        '',
        'the workers found 1 differing: 1 repaired, 0 by going back to a checkpoint',
        'no worker was lost; training continues',
      ]);
    });

    it('is given up when they would have found it', () => {
      const strike = struck('bitflip', [hit('a')], null, before);
      expect(see(strike, { step: 7 + 128, replicas: replicas(2, 2) })).toBe(false);
      expect(see(strike, { step: 7 + 129, replicas: replicas(2, 2) })).toBe(true);
      expect(summary(strike)).toContain(
        'the workers found nothing in 128 steps: what was flipped had been written anew',
      );
    });
  });
});
