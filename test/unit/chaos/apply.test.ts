import fc from 'fast-check';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { apply, targetsOf } from '../../../chaos/apply.ts';
import type { FaultAct } from '../../../chaos/plan.ts';
import { Session } from '../../../chaos/session.ts';
import type { Container } from '../../../src/runtime/docker/engine.ts';
import { handsOf } from '../../../src/runtime/docker/hands.ts';
import type { Role } from '../../../src/shared/names.ts';
import type { Status } from '../../../src/api/status.ts';
import { FtcError } from '../../../src/errors.ts';
import { FakeEngine } from '../../fakes/fake-engine.ts';
import { fakeWorld } from '../../fakes/fake-world.ts';

const PROJECT = 'job-verify-2';

const statusOf = (
  workers: readonly { id: string; rank: number | null; step: number | null }[],
  step = 10,
): Status =>
  ({
    project: PROJECT,
    step,
    target: workers.filter(w => w.rank !== null).length,
    workers: workers.map(w => ({ ...w, role: w.rank === null ? 'standby' : 'rank' })),
  }) as unknown as Status;

const container = (id: string, role: Role, project: string, state: Container['state']): Container =>
  ({ id, hostname: id, name: id, role, project, state, labels: {} }) as unknown as Container;

const act = (more: Partial<FaultAct> = {}): FaultAct => ({
  kind: 'fault',
  fault: 'kill',
  target: 'worker',
  rank: null,
  params: {},
  forMs: null,
  ...more,
});

/** Nobody where nobody fits. */
function choose(more: Partial<FaultAct>, all: readonly Container[], status: Status, seed: number) {
  try {
    return targetsOf(act(more), all, status, seed);
  } catch (error) {
    if (error instanceof FtcError && error.code === 'FTC_NO_TARGET') return [];
    throw error;
  }
}

const targets = ['worker', 'standby', 'master', 'supervisor', 'all'] as const;

describe('choosing whom a fault hits', () => {
  const role = fc.constantFrom<Role>('worker', 'worker', 'worker', 'master', 'supervisor');
  const state = fc.constantFrom<Container['state']>('running', 'running', 'exited', 'paused', 'created');
  const somebody = fc.record({
    role,
    state,
    project: fc.constantFrom(PROJECT, 'job', 'job-verify-1', 'other'),
    rank: fc.option(fc.nat({ max: 9 })),
    step: fc.option(fc.nat({ max: 10 })),
  });

  it('never takes what is outside of the project, nor what does not run', () => {
    fc.assert(
      fc.property(
        fc.array(somebody, { maxLength: 12 }),
        fc.constantFrom(...targets),
        fc.option(fc.nat({ max: 3 })),
        fc.nat(),
        (all, target, rank, seed) => {
          const containers = all.map((c, i) => container(`c${i}`, c.role, c.project, c.state));
          const workers = all.map((c, i) => ({ id: `c${i}`, rank: c.rank, step: c.step }));
          const hits = choose({ target, rank }, containers, statusOf(workers), seed);
          for (const hit of hits) {
            expect(hit.container.project).toBe(PROJECT);
            expect(hit.container.state).toBe('running');
            expect(hit.role).toBe(['master', 'supervisor'].includes(target) ? target : 'worker');
          }
          if (target !== 'all') expect(hits.length).toBeLessThanOrEqual(1);
          expect(choose({ target, rank }, containers, statusOf(workers), seed)).toEqual(hits);
        },
      ),
    );
  });

  it('leaves one that holds the state, unless a rank or all are meant', () => {
    const containers = ['a', 'b'].map(id => container(id, 'worker', PROJECT, 'running'));
    const joining = statusOf([
      { id: 'a', rank: 0, step: 10 },
      { id: 'b', rank: 1, step: 0 },
    ]);
    expect(choose(act(), containers, joining, 1)).toEqual([]);
    expect(choose(act({ rank: 0 }), containers, joining, 1)).toHaveLength(1);
    expect(choose(act({ target: 'all' }), containers, joining, 1)).toHaveLength(2);
    const both = statusOf([
      { id: 'a', rank: 0, step: 10 },
      { id: 'b', rank: 1, step: 9 },
    ]);
    expect(choose(act(), containers, both, 1)).toHaveLength(1);
    const alone = statusOf([{ id: 'a', rank: 0, step: 10 }]);
    expect(choose(act(), containers, alone, 1)).toMatchObject([{ container: { id: 'a' }, rank: 0 }]);
  });

  it('spares nobody for the sake of the state where another than a worker is meant', () => {
    const containers = [
      container('a', 'worker', PROJECT, 'running'),
      container('m', 'master', PROJECT, 'running'),
      container('s', 'supervisor', PROJECT, 'running'),
      container('w', 'worker', PROJECT, 'running'),
    ];
    const status = statusOf([
      { id: 'a', rank: 0, step: 10 },
      { id: 'x', rank: 1, step: 10 },
      { id: 'w', rank: null, step: null },
    ]);
    for (const [target, id] of [
      ['master', 'm'],
      ['supervisor', 's'],
      ['standby', 'w'],
    ] as const)
      expect(choose({ target }, containers, status, 1)).toMatchObject([{ container: { id } }]);
  });

  it('takes a standby where one is meant, and a worker that trains otherwise', () => {
    const containers = ['a', 'b', 'c'].map(id => container(id, 'worker', PROJECT, 'running'));
    const status = statusOf([
      { id: 'a', rank: null, step: null },
      { id: 'b', rank: 0, step: 10 },
      { id: 'c', rank: 1, step: 10 },
    ]);
    for (let seed = 0; seed < 20; seed += 1) {
      expect(choose(act({ target: 'standby' }), containers, status, seed)[0]?.container.id).toBe('a');
      expect(choose(act(), containers, status, seed)[0]?.container.id).not.toBe('a');
    }
  });
});

describe('applying a fault', () => {
  let engine: FakeEngine;
  let worker: Container;
  let master: Container;
  let outsider: Container;
  let status: Status;
  let folder: string;
  let session: Session;
  beforeEach(async () => {
    engine = new FakeEngine();
    master = engine.add({ role: 'master', project: PROJECT, state: 'running' });
    worker = engine.add({ role: 'worker', project: PROJECT, state: 'running' });
    outsider = engine.add({ role: 'worker', project: 'job', state: 'running' });
    status = statusOf([
      { id: worker.hostname, rank: 0, step: 10 },
      { id: outsider.hostname, rank: 1, step: 10 },
    ]);
    folder = mkdtempSync(join(tmpdir(), 'ftctest-apply-'));
    const world = fakeWorld(engine, PROJECT);
    session = await Session.open({ world, project: PROJECT, folders: [folder], command: 'ftc verify' });
  });
  afterEach(async () => {
    await session.close();
    rmSync(folder, { recursive: true });
  });
  const stateOf = async (c: Container) => (await engine.inspect(c.id))?.state;

  it('kills nobody else, and leaves starting again to others', async () => {
    const done = await apply(handsOf(engine, PROJECT), session, act({ target: 'all' }), status, 0);
    expect(done?.hits).toHaveLength(1);
    expect(done?.isOver).toBe(true);
    expect([await stateOf(worker), await stateOf(outsider)]).toEqual(['exited', 'running']);
  });

  it('pauses, and resumes in time; asked sooner, sooner; twice is no error', async () => {
    const pause = act({ fault: 'pause', target: 'master', forMs: 1 });
    const short = await apply(handsOf(engine, PROJECT), session, pause, status, 0);
    await short?.over;
    expect(await stateOf(master)).toBe('running');
    const long = await apply(handsOf(engine, PROJECT), session, { ...pause, forMs: 1e6 }, status, 0);
    expect([await stateOf(master), long?.isOver]).toEqual(['paused', false]);
    await long?.revert();
    await long?.revert();
    expect([await stateOf(master), long?.isOver]).toEqual(['running', true]);
  });

  it('asks a worker to stop', async () => {
    await apply(handsOf(engine, PROJECT), session, act({ fault: 'stop', rank: 0 }), status, 0);
    expect(engine.calls).toEqual([`kill ${worker.hostname} SIGTERM`]);
  });

  it('waits where nobody is there', async () => {
    await engine.kill(master.id);
    expect(await apply(handsOf(engine, PROJECT), session, act({ target: 'master' }), status, 0)).toBeNull();
    expect(await apply(handsOf(engine, PROJECT), session, act({ rank: 5 }), status, 0)).toBeNull();
  });
});
