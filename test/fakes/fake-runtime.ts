/** A runtime in memory, over an engine in memory. What it cannot do is a real one's, and is tested there. */
import { masterUrlOf } from '../../src/runtime/absent.ts';
import { handsOf } from '../../src/runtime/docker/hands.ts';
import type { RunningJob } from '../../src/runtime/job.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import type { FakeEngine } from './fake-engine.ts';
import { fakeWorld } from './fake-world.ts';

const unable = (): never => {
  throw new Error('only a real runtime does that');
};

function fakeJob(engine: FakeEngine, name: string): RunningJob {
  const hands = handsOf(engine, name);
  const { faults } = fakeWorld(engine, name);
  const each = async (act: (id: string) => Promise<void>): Promise<void> => {
    for (const { id } of await hands.list()) await act(id);
  };
  return {
    name,
    directory: null,
    hands,
    replicas: () => hands.list(),
    masterUrl: async replicas => masterUrlOf(replicas ?? (await hands.list())),
    token: unable,
    environment: unable,
    logs: unable,
    async transcripts() {
      const all = await hands.list();
      return Promise.all(
        all.map(async r => ({
          name: r.name,
          text: (await hands.tail(r.id, Infinity)).replace(/^(?=.)/gm, '2026-01-01T00:00:00Z '),
        })),
      );
    },
    scaling: unable,
    restoring: unable,
    stop: () => each(id => hands.kill(id, 'SIGTERM')),
    kill: () => each(id => hands.kill(id)),
    async owned() {
      const parts = (await hands.list()).length;
      return { parts, folders: parts === 0 ? [] : [null], storage: false };
    },
    remove: () => each(id => faults.remove(id)),
    removeStorage: () => Promise.resolve([]),
    checkpoints: unable,
    faults: () => faults,
  };
}

/** @param names of the jobs that may be there */
export function fakeRuntime(engine: FakeEngine, names: readonly string[]): Runtime {
  const isTaken = async (name: string): Promise<boolean> => (await engine.list(name)).length > 0;
  return {
    kind: 'docker',
    ready: () => Promise.resolve(),
    about: unable,
    async jobs() {
      const taken = await Promise.all(names.map(isTaken));
      return names.filter((_, at) => taken[at]).sort();
    },
    open: name => fakeJob(engine, name),
    prepare: unable,
    isTaken,
    findLeftovers: () => Promise.resolve({ projects: [], alive: [] }),
    removeRun: unable,
    faults: () => fakeWorld(engine, '').faults,
  };
}
