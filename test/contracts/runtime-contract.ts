/** What every `Runtime` does with a job's replicas, in memory or real. Starting a job is for the tests of each. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { FaultHands } from '../../src/runtime/faults.ts';
import type { Hands } from '../../src/runtime/hands.ts';
import type { RunningJob } from '../../src/runtime/job.ts';
import type { Change, Replica } from '../../src/runtime/replica.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import type { Role } from '../../src/shared/names.ts';

/** A runtime, and a way to put replicas of one job onto it. */
export interface RuntimeBench {
  readonly runtime: Runtime;
  /** The job's, which nobody else has. */
  readonly name: string;
  /** It can favour a replica. One that cannot says nothing. */
  readonly favours: boolean;
  /** A replica that has never run; it prints `out`, then `err` to stderr, then waits, and ends with 143 on SIGTERM. Its id. */
  create(role: Role, number: number): Promise<string>;
  /** Removes all that `create` made. */
  close(): Promise<void>;
}

const unknown = 'f'.repeat(64);

export function runtimeContract(title: string, open: () => Promise<RuntimeBench>): void {
  describe(`the runtime's contract: ${title}`, () => {
    let bench: RuntimeBench;
    let job: RunningJob;
    let hands: Hands;
    let faults: FaultHands;
    let seen: (Change | 'relist')[] = [];
    let stop = new AbortController();
    let watching: Promise<void>;

    beforeAll(async () => {
      bench = await open();
      job = bench.runtime.open(bench.name);
      hands = job.hands;
      faults = job.faults(() => undefined);
    });
    afterAll(() => bench.close());
    beforeEach(async () => {
      seen = [];
      stop = new AbortController();
      const changes = hands.changes(stop.signal);
      watching = (async () => {
        for await (const change of changes) seen.push(change);
      })();
      await until(() => seen.includes('relist'));
    });
    afterEach(async () => {
      stop.abort();
      await watching;
      await job.remove();
    });

    const running = async (role: Role = 'worker', number = 1): Promise<string> => {
      const id = await bench.create(role, number);
      await hands.start(id);
      return id;
    };
    const look = async (id: string): Promise<Replica> => (await hands.inspect(id))!;
    const kinds = (id: string): string[] =>
      seen.flatMap(change => (change !== 'relist' && change.id === id ? [change.kind] : []));
    const printed = (id: string) => until(async () => (await hands.tail(id, 10)).includes('err'));

    it('opens a job that is not there: it has nothing', async () => {
      expect(await job.replicas()).toEqual([]);
      expect(await job.owned()).toEqual({ parts: 0, folders: [], storage: false });
      expect(await bench.runtime.jobs()).not.toContain(bench.name);
      expect(await bench.runtime.isTaken(bench.name)).toBe(false);
      await expect(job.masterUrl()).rejects.toMatchObject({ code: 'FTC_MASTER_UNREACHABLE' });
      await Promise.all([job.stop(), job.kill(), job.remove()]);
    });

    it('lists replicas by role, then number, the stopped ones too, and knows the job by its name', async () => {
      const first = await running('worker', 10);
      for (const [role, number] of [
        ['worker', 2],
        ['supervisor', 1],
        ['master', 1],
      ] as const)
        await bench.create(role, number);
      await hands.kill(first);
      const order = ['master 1', 'supervisor 1', 'worker 2', 'worker 10'];
      expect((await job.replicas()).map(r => `${r.role} ${r.number}`)).toEqual(order);
      expect(await bench.runtime.jobs()).toContain(bench.name);
      expect(await bench.runtime.isTaken(bench.name)).toBe(true);
      expect((await job.owned()).parts).toBe(4);
    });

    it('tells all there is to know of a replica that never ran', async () => {
      const id = await bench.create('worker', 7);
      expect(await look(id)).toMatchObject({
        id,
        role: 'worker',
        number: 7,
        job: bench.name,
        project: bench.name,
        state: 'created',
        startedAt: null,
        finishedAt: null,
        exitCode: null,
        oomKilled: false,
        attached: true,
        favoured: false,
        ports: {},
      });
    });

    it('starts, once, and says when', async () => {
      const before = Date.now();
      const id = await running();
      const { startedAt } = await look(id);
      expect(startedAt).toBeGreaterThan(before - 1000);
      await hands.start(id);
      expect(await look(id)).toMatchObject({ state: 'running', exitCode: null, startedAt });
      await until(() => kinds(id).includes('started'));
      expect(kinds(id).filter(kind => kind === 'started')).toHaveLength(1);
    });

    it('kills, tells of the end, and starts the same replica again', async () => {
      const id = await running();
      const first = await look(id);
      await hands.kill(id);
      await until(() => kinds(id).includes('ended'));
      expect(await look(id)).toMatchObject({ state: 'exited', exitCode: 137 });
      expect(seen).toContainEqual(expect.objectContaining({ kind: 'ended', id, exitCode: 137 }));
      expect(kinds(id)).not.toContain('asked');
      await hands.start(id);
      const again = await look(id);
      expect(again).toMatchObject({ id, hostname: first.hostname, state: 'running', exitCode: null });
      expect(again.startedAt).toBeGreaterThanOrEqual(first.startedAt!);
    });

    it('tells that a replica was asked to end, before it ends', async () => {
      const id = await running();
      await printed(id);
      await hands.kill(id, 'SIGTERM');
      await until(() => kinds(id).includes('ended'));
      expect(kinds(id).filter(kind => kind !== 'other')).toEqual(['started', 'asked', 'ended']);
      expect(await look(id)).toMatchObject({ exitCode: 143 });
    });

    it('makes one like it anew, under its name, and does not start it', async () => {
      const old = await look(await running('worker', 3));
      const blueprint = (await hands.blueprint(old.id))!;
      await expect(hands.create(blueprint)).rejects.toMatchObject({ code: 'FTC_NOT_RUNNING' });
      await faults.remove(old.id);
      await until(() => kinds(old.id).includes('removed'));
      expect(await hands.inspect(old.id)).toBeNull();
      expect(await hands.blueprint(old.id)).toBeNull();
      const { name, role, number } = old;
      const id = await hands.create(blueprint);
      expect(await look(id)).toMatchObject({ name, role, number, state: 'created' });
    });

    it('favours a replica, and ends that', async () => {
      const id = await running();
      await hands.favour(id, true);
      expect(await look(id)).toMatchObject({ favoured: bench.favours });
      await hands.favour(id, false);
      expect(await look(id)).toMatchObject({ favoured: false });
    });

    it('shows what was printed: the last lines of one replica, and all of all', async () => {
      const id = await running();
      await printed(id);
      expect((await hands.tail(id, 10)).split('\n').sort()).toEqual(['', 'err', 'out']);
      expect(await hands.tail(id, 1)).toMatch(/^(out|err)\n$/);
      const { name } = await look(id);
      const [transcript, ...more] = await job.transcripts();
      expect([transcript?.name, more]).toEqual([name, []]);
      expect(transcript?.text).toMatch(/^\S+ (out|err)\n\S+ (out|err)\n$/);
    });

    it('takes no offence at what is dead or gone, and says so where something is to be done with it', async () => {
      const id = await bench.create('worker', 1);
      await hands.kill(id);
      await hands.kill(unknown);
      expect(await hands.inspect(unknown)).toBeNull();
      await expect(hands.start(unknown)).rejects.toMatchObject({ code: 'FTC_NO_TARGET' });
      await expect(hands.tail(unknown, 1)).rejects.toMatchObject({ code: 'FTC_NO_TARGET' });
    });

    it('lets a job end, ends it at once, and removes it', async () => {
      const gentle = await running('worker', 1);
      await printed(gentle);
      await job.stop();
      expect(await look(gentle)).toMatchObject({ state: 'exited', exitCode: 143 });
      const hard = await running('worker', 2);
      await job.kill();
      await until(async () => (await look(hard)).state === 'exited');
      expect(await look(hard)).toMatchObject({ exitCode: 137 });
      await job.remove();
      expect(await job.replicas()).toEqual([]);
    });

    it('can do what it says it can to a replica that is to be broken', async () => {
      const id = await running();
      if (faults.capabilities.has('pause')) {
        await faults.pause(id);
        expect(await look(id)).toMatchObject({ state: 'paused', exitCode: null });
        await faults.unpause(id);
        await faults.unpause(id);
        expect(await look(id)).toMatchObject({ state: 'running' });
      }
      if (faults.capabilities.has('restart')) {
        await faults.restart(id, 0);
        await until(() => kinds(id).filter(kind => kind === 'started').length === 2);
        expect(await look(id)).toMatchObject({ id, state: 'running' });
      }
      expect(await faults.helpers(bench.name)).toEqual([]);
    });

    it('ends the changes when it is told to', async () => {
      stop.abort();
      await watching;
      expect(kinds(await running())).toEqual([]);
    });
  });
}

/** Waits for what happens by itself; vitest's own time limit ends it. */
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise(resolve => setTimeout(resolve, 10));
}
