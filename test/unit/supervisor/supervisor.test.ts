import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pino } from 'pino';
import type { Container } from '../../../src/runtime/docker/engine.ts';
import type { ContainerFact, Said } from '../../../src/protocol/inbound.ts';
import { Supervisor } from '../../../src/supervisor/supervisor.ts';
import { handsOf } from '../../../src/runtime/docker/hands.ts';
import { FAVOURED, USUAL } from '../../../src/runtime/docker/weight.ts';
import { FakeEngine } from '../../fakes/fake-engine.ts';
import type { JobState } from '../../../src/protocol/job-state.ts';

const policy = { initialMs: 1, maxMs: 5, resetMs: 60_000, maxRestarts: 3, leftMs: 10_000 };
const project = 'job';

let engine: FakeEngine;
let supervisor: Supervisor;
let stop: AbortController;
let watching: Promise<void>;
let worker: Container;
let facts: readonly ContainerFact[] = [];
let said: Omit<Said, 'type'>[] = [];
let listeners: (() => void)[] = [];

beforeEach(() => {
  engine = new FakeEngine();
  worker = engine.add({ role: 'worker', project, state: 'running' });
  stop = new AbortController();
  supervisor = new Supervisor({
    hands: handsOf(engine, project),
    job: project,
    policy,
    log: pino({ level: 'silent' }),
    now: Date.now,
    tell: told => {
      facts = told;
      for (const listener of listeners) listener();
    },
    said: one => said.push(one),
  });
  watching = supervisor.watch(stop.signal);
});

afterEach(async () => {
  stop.abort();
  await watching;
  listeners = [];
  said = [];
});

/** Until the supervisor tells facts that are as described. */
const told = (test: (fact: ContainerFact) => boolean): Promise<void> =>
  new Promise(resolve => {
    const look = (): void => {
      if (facts[0] && test(facts[0])) resolve();
    };
    listeners.push(look);
    look();
  });

const state = (name: JobState): void =>
  supervisor.take({ type: 'state', state: name, reason: null, restarts: {} });

describe('the supervisor', () => {
  it('starts again what died, and counts', async () => {
    state('running');
    engine.exit(worker.id, 137);
    await told(f => f.running && f.restarts === 1);
    engine.exit(worker.id, 1);
    await told(f => f.running && f.restarts === 2);
  });

  it('makes a worker anew that cannot start because what hid a file has nothing to hide', async () => {
    const Mounts = [
      { Type: 'bind', Source: '/home/me', Target: '/job' },
      { Type: 'bind', Source: '/dev/null', Target: '/job/.env' },
    ];
    const blueprint = engine.blueprint.bind(engine);
    const create = engine.create.bind(engine);
    const start = engine.start.bind(engine);
    let asked: unknown;
    engine.blueprint = async id => {
      const found = await blueprint(id);
      return found && { ...found, body: { ...found.body, HostConfig: { Mounts } } };
    };
    engine.create = made => {
      asked = made.body.HostConfig;
      return create(made);
    };
    engine.start = id =>
      asked === undefined
        ? Promise.reject(new Error('mounting "/dev/null" to rootfs at "/job/.env": read-only file system'))
        : start(id);
    state('running');
    engine.exit(worker.id, 137);
    await told(f => f.running && f.restarts === 1);
    expect(asked).toEqual({ Mounts: Mounts.slice(0, 1) });
    expect(await engine.inspect(worker.id)).toBeNull();
  });

  it('lets one that starts go before the others until it is healthy, and starts a healthy one at once', async () => {
    state('running');
    const weight = async (): Promise<number | undefined> => (await engine.inspect(worker.id))?.cpuShares;
    engine.exit(worker.id, 137);
    await told(f => f.running && f.restarts === 1);
    expect(await weight()).toBe(FAVOURED);
    const changed = new Promise<void>(resolve => {
      const weigh = engine.weigh.bind(engine);
      engine.weigh = async (id, shares) => {
        await weigh(id, shares);
        if (shares === USUAL) resolve();
      };
    });
    supervisor.take({ type: 'healthy', workers: [worker.hostname] });
    await changed;
    expect(await weight()).toBe(USUAL);
    engine.exit(worker.id, 137);
    await told(f => f.running && f.restarts === 2);
  });

  it('gives up at the limit and says why', async () => {
    state('running');
    for (let i = 1; i <= 3; i += 1) {
      engine.exit(worker.id, 1);
      await told(f => f.running && f.restarts === i);
    }
    engine.exit(worker.id, 1);
    await told(f => f.gaveUp !== null);
    expect(facts[0]?.gaveUp).toContain('3 times in a row');
  });

  it('starts nothing before it knows that the job goes on, nor after its end', async () => {
    engine.exit(worker.id, 137);
    await told(f => !f.running);
    state('succeeded');
    await told(f => !f.running && f.startsAt === null);
    expect(engine.calls).toEqual([]);
    state('running');
    await told(f => f.running);
  });

  it('starts the master whatever the state', async () => {
    const master = engine.add({ role: 'master', project, state: 'running' });
    const started = new Promise<void>(resolve => {
      const start = engine.start.bind(engine);
      engine.start = async id => {
        await start(id);
        if (id === master.id) resolve();
      };
    });
    engine.exit(master.id, 137);
    await started;
  });

  it('kills what the master fences, but not the run that came after', async () => {
    state('running');
    await told(f => f.running);
    supervisor.take({
      type: 'fence',
      worker: worker.hostname,
      at: (worker.startedAt ?? 0) - 1,
      reason: 'late',
      hangs: false,
    });
    await engine.pause(worker.id);
    await told(f => f.paused);
    expect(engine.calls.some(c => c.startsWith('kill'))).toBe(false);
    supervisor.take({
      type: 'fence',
      worker: worker.hostname,
      at: Date.now() + 1,
      reason: 'heartbeat overdue',
      hangs: true,
    });
    await told(f => f.running && f.restarts === 1);
  });

  it('has one that hangs show its threads before it kills it', async () => {
    state('running');
    await told(f => f.running);
    const stack = 'Current thread 0x01 (most recent call first):\n  File "/job/train.py", line 3 in train';
    const kill = engine.kill.bind(engine);
    engine.kill = async (id, signal) => {
      await kill(id, signal);
      if (signal === 'SIGQUIT') for (const line of stack.split('\n')) engine.print(id, line);
    };
    const at = Date.now();
    supervisor.take({ type: 'fence', worker: worker.hostname, at, reason: 'stuck', hangs: true });
    await told(f => f.running && f.restarts === 1);
    expect(engine.calls.map(c => c.replace(/ [0-9a-f]{12}/, ''))).toEqual([
      'kill SIGQUIT',
      'kill SIGKILL',
      'start',
    ]);
    expect(said).toEqual([{ worker: worker.hostname, what: 'stack', text: stack }]);
  });

  it('kills one that shows nothing as well', async () => {
    state('running');
    await told(f => f.running);
    const at = Date.now();
    supervisor.take({ type: 'fence', worker: worker.hostname, at, reason: 'stuck', hangs: true });
    await told(f => f.running && f.restarts === 1);
    expect(said).toEqual([]);
  });

  it('tells what one that died had printed last', async () => {
    state('running');
    await told(f => f.running);
    for (let i = 0; i < 30; i += 1) engine.print(worker.id, `line ${i}`);
    engine.exit(worker.id, 1);
    await told(f => f.running && f.restarts === 1);
    const lines = Array.from({ length: 20 }, (_, i) => `line ${i + 10}`);
    expect(said).toEqual([{ worker: worker.hostname, what: 'lines', text: lines.join('\n') }]);
    engine.exit(worker.id, 0);
    await told(f => !f.running);
    expect(said).toHaveLength(1);
  });

  it('puts what was cut off back onto its network before it starts it', async () => {
    state('running');
    await told(f => f.running);
    engine.cutOff(worker.id);
    const at = Date.now();
    supervisor.take({ type: 'fence', worker: worker.hostname, at, reason: 'link closed', hangs: false });
    await told(f => f.running && f.restarts === 1);
    expect(engine.calls.map(c => c.split(' ')[0])).toEqual(['kill', 'attach', 'start']);
    expect((await engine.inspect(worker.id))?.attached).toBe(true);
  });

  it('starts what died while the engine was away', async () => {
    state('running');
    await told(f => f.running);
    engine.goAway({ containersDie: true });
    engine.comeBack();
    await told(f => f.running && f.restarts === 1);
  });

  it('leaves a container of another job in the project alone', async () => {
    const other = engine.add({ role: 'worker', project, number: 9, job: 'other', state: 'exited' });
    state('running');
    engine.exit(worker.id, 137);
    await told(f => f.running && f.restarts === 1);
    expect(facts.map(f => f.id)).toEqual([worker.hostname]);
    expect((await engine.inspect(other.id))?.state).toBe('exited');
  });

  it('makes anew, like the one before, who was removed while it ran', async () => {
    state('running');
    await told(f => f.running);
    await engine.remove(worker.id);
    await told(f => f.running && f.id !== worker.hostname);
    expect(engine.calls.map(c => c.split(' ')[0])).toEqual(['remove', 'create', 'start']);
    expect(await engine.list(project)).toMatchObject([{ name: worker.name, number: worker.number }]);
  });

  it('goes on counting where the supervisor before it stopped', async () => {
    supervisor.take({ type: 'state', state: 'running', reason: null, restarts: { [worker.hostname]: 7 } });
    await told(f => f.restarts === 7);
    engine.exit(worker.id, 137);
    await told(f => f.running && f.restarts === 8);
  });
});
