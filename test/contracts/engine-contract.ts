/** What every `Engine` does, in memory or real. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Container, ContainerEvent, Engine } from '../../src/runtime/docker/engine.ts';
import type { Role } from '../../src/shared/names.ts';

/** An engine, and a way to put containers into it. */
export interface Bench {
  readonly engine: Engine;
  readonly project: string;
  /** A container that has never run; it prints `out`, then `err` to stderr, then waits, and ends with 143 on SIGTERM. */
  create(role: Role, number: number): Promise<string>;
  /** Somebody disconnects it from its network. */
  cutOff(id: string): Promise<void>;
  /** Removes all that `create` made. */
  close(): Promise<void>;
}

const unknown = 'f'.repeat(64);

export function engineContract(name: string, open: () => Promise<Bench>): void {
  describe(`the engine's contract: ${name}`, () => {
    let bench: Bench;
    let engine: Engine;
    let made: string[] = [];
    let seen: (ContainerEvent | 'connected')[] = [];
    let stop = new AbortController();
    let watching: Promise<void>;

    beforeAll(async () => {
      bench = await open();
      engine = bench.engine;
    });
    afterAll(() => bench.close());

    beforeEach(async () => {
      made = [];
      seen = [];
      stop = new AbortController();
      const events = engine.events(bench.project, stop.signal);
      watching = (async () => {
        for await (const event of events) seen.push(event);
      })();
      await until(() => seen.includes('connected'));
    });
    afterEach(async () => {
      stop.abort();
      await watching;
      for (const id of made) await engine.remove(id);
    });

    const create = async (role: Role = 'worker', number = 1): Promise<string> => {
      const id = await bench.create(role, number);
      made.push(id);
      return id;
    };
    const running = async (): Promise<string> => {
      const id = await create();
      await engine.start(id);
      return id;
    };
    const look = async (id: string): Promise<Container> => (await engine.inspect(id))!;
    const state = async (id: string) => (await look(id)).state;
    const actions = (id: string): string[] =>
      seen.flatMap(event => (event !== 'connected' && event.id === id ? [event.action] : []));

    it('tells all there is to know of a container that never ran', async () => {
      const id = await create('worker', 7);
      expect(await look(id)).toMatchObject({
        id: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
        hostname: id.slice(0, 12),
        role: 'worker',
        project: bench.project,
        job: bench.project,
        number: 7,
        state: 'created',
        startedAt: null,
        finishedAt: null,
        exitCode: null,
        oomKilled: false,
        pid: null,
        attached: true,
        cpuShares: 0,
        ports: {},
      });
    });

    it('lists by role, then number, the stopped ones too', async () => {
      const ids = [await create('worker', 10), await create('worker', 2), await create('supervisor', 1)];
      await engine.start(ids[0]!);
      await engine.kill(ids[0]!);
      const listed = await engine.list(bench.project);
      expect(listed.map(({ role, number }) => `${role} ${number}`)).toEqual([
        'supervisor 1',
        'worker 2',
        'worker 10',
      ]);
      expect(await engine.list(`${bench.project}-other`)).toEqual([]);
    });

    it('starts, and says when and as what', async () => {
      const before = Date.now();
      const id = await running();
      const { state, startedAt, exitCode, pid } = await look(id);
      expect({ state, exitCode }).toEqual({ state: 'running', exitCode: null });
      expect(pid).toBeGreaterThan(0);
      expect(startedAt).toBeGreaterThan(before - 1000);
      await until(() => actions(id).includes('start'));
    });

    it('takes a start of what runs as done', async () => {
      const id = await running();
      const { startedAt } = await look(id);
      await engine.start(id);
      expect((await look(id)).startedAt).toBe(startedAt);
    });

    it('kills, tells of the death with its exit code, and starts again', async () => {
      const id = await running();
      const first = await look(id);
      await engine.kill(id);
      await until(() => actions(id).includes('die'));
      expect(await look(id)).toMatchObject({ state: 'exited', exitCode: 137, pid: null });
      const death = seen.find(event => event !== 'connected' && event.action === 'die') as ContainerEvent;
      expect(death).toMatchObject({ id, role: 'worker', exitCode: 137 });
      expect(death.at).toBeGreaterThanOrEqual(first.startedAt!);

      await engine.start(id);
      const again = await look(id);
      expect(again).toMatchObject({ id, hostname: first.hostname, state: 'running' });
      expect(again.pid).not.toBe(first.pid);
      expect(again.startedAt).toBeGreaterThanOrEqual(first.startedAt!);
    });

    it('sends other signals', async () => {
      const id = await running();
      await until(async () => (await engine.tail(id, 10)) !== '');
      await engine.kill(id, 'SIGTERM');
      await until(async () => (await state(id)) === 'exited');
      expect(await look(id)).toMatchObject({ exitCode: 143 });
    });

    it('pauses and unpauses, each as often as one likes', async () => {
      const id = await running();
      await engine.pause(id);
      await engine.pause(id);
      expect(await look(id)).toMatchObject({ state: 'paused', exitCode: null });
      await engine.unpause(id);
      await engine.unpause(id);
      expect(await state(id)).toBe('running');
      await until(() => actions(id).includes('unpause'));
      expect(actions(id)).toContain('pause');
    });

    it('kills what is paused', async () => {
      const id = await running();
      await engine.pause(id);
      await engine.kill(id);
      await until(async () => (await state(id)) === 'exited');
      expect(await look(id)).toMatchObject({ exitCode: 137, pid: null });
    });

    it('puts what was cut off back onto its network, whether it runs or not', async () => {
      const id = await running();
      await engine.attach(id);
      await bench.cutOff(id);
      expect((await look(id)).attached).toBe(false);
      await engine.attach(id);
      expect((await look(id)).attached).toBe(true);
      await bench.cutOff(id);
      await engine.kill(id);
      await engine.attach(id);
      await engine.start(id);
      expect(await look(id)).toMatchObject({ state: 'running', attached: true });
    });

    it('removes what runs', async () => {
      const id = await running();
      await engine.remove(id);
      expect(await engine.inspect(id)).toBeNull();
      await until(() => actions(id).includes('destroy'));
    });

    it('takes no offence at what is dead or gone', async () => {
      const id = await create();
      await engine.kill(id);
      await engine.unpause(id);
      await engine.kill(unknown);
      await engine.unpause(unknown);
      await engine.remove(unknown);
      expect(await engine.inspect(unknown)).toBeNull();
    });

    it('says so when what is to start is gone, or what is to pause is not running', async () => {
      await expect(engine.start(unknown)).rejects.toMatchObject({ code: 'FTC_NO_TARGET' });
      await expect(engine.pause(unknown)).rejects.toMatchObject({ code: 'FTC_NO_TARGET' });
      await expect(engine.tail(unknown, 1)).rejects.toMatchObject({ code: 'FTC_NO_TARGET' });
      const id = await create();
      await expect(engine.pause(id)).rejects.toMatchObject({ code: 'FTC_NOT_RUNNING' });
    });

    it('shows the last lines that were printed, both streams', async () => {
      const id = await running();
      await until(async () => (await engine.tail(id, 10)).includes('err'));
      const all = await engine.tail(id, 10);
      expect(all.split('\n').sort()).toEqual(['', 'err', 'out']);
      expect(await engine.tail(id, 1)).toMatch(/^(out|err)\n$/);
    });

    it('ends the events when it is told to', async () => {
      stop.abort();
      await watching;
      const id = await running();
      expect(actions(id)).toEqual([]);
    });
  });
}

/** Waits for what happens by itself; vitest's own time limit ends it. */
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise(resolve => setTimeout(resolve, 10));
}
