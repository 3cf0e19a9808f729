import { describe, expect, it } from 'vitest';
import type { Container } from '../../../src/runtime/docker/engine.ts';
import { plan } from '../../../src/supervisor/plan.ts';

const policy = { initialMs: 500, maxMs: 30_000, resetMs: 60_000, maxRestarts: 5, leftMs: 10_000 };

const container = (over: Partial<Container>): Container => ({
  kind: 'container',
  id: 'a'.repeat(64),
  hostname: 'a'.repeat(12),
  name: 'job-worker-1',
  role: 'worker',
  job: 'job',
  project: 'job',
  number: 1,
  image: 'ftc-worker',
  state: 'running',
  startedAt: 0,
  finishedAt: null,
  exitCode: null,
  oomKilled: false,
  pid: 42,
  attached: true,
  favoured: false,
  folder: null,
  cpuShares: 0,
  labels: {},
  ports: {},
  ...over,
});
const dead = container({ state: 'exited', exitCode: 137, finishedAt: 1000, startedAt: 900, pid: null });
const yes = (): boolean => true;

describe('the plan', () => {
  it('starts what died when its time has come, and says when that is', () => {
    const first = plan(policy, new Map(), [dead], yes, 1100);
    expect(first).toMatchObject({ start: [], nextAt: 1500 });
    expect(first.facts).toMatchObject([{ running: false, exitCode: 137, startsAt: 1500 }]);
    expect(plan(policy, first.records, [dead], yes, 1500).start).toEqual([dead.id]);
  });

  it('starts nothing that may not be started, and does not plan to', () => {
    const made = plan(policy, new Map(), [dead], () => false, 99_000);
    expect(made).toMatchObject({ start: [], nextAt: null });
    expect(made.facts[0]?.startsAt).toBeNull();
  });

  it('starts the master too, but reports only workers, and leaves the supervisor to the engine', () => {
    const master = container({ ...dead, id: 'm', role: 'master' });
    const supervisor = container({ ...dead, id: 's', role: 'supervisor' });
    const made = plan(policy, new Map(), [master, supervisor], yes, 99_000);
    expect(made.start).toEqual(['m']);
    expect(made.facts).toEqual([]);
  });

  it('forgets what somebody else started', () => {
    const first = plan(policy, new Map(), [dead], yes, 1100);
    const second = plan(policy, first.records, [container({ startedAt: 1200 })], yes, 1300);
    expect(second).toMatchObject({ start: [], nextAt: null });
  });

  it('leaves a container that was just created to whoever created it', () => {
    const created = container({ state: 'created', startedAt: null, pid: null });
    const first = plan(policy, new Map(), [created], yes, 1000);
    expect(first).toMatchObject({ start: [], nextAt: 11_000 });
    expect(plan(policy, first.records, [created], yes, 11_000).start).toEqual([created.id]);
  });

  it('forgets containers that are gone', () => {
    const first = plan(policy, new Map(), [dead], yes, 1100);
    expect(plan(policy, first.records, [], yes, 99_000)).toMatchObject({ start: [], facts: [] });
  });
});
