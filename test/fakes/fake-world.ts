/** What faults work with, on an engine in memory. What it cannot do is a real engine's, and is tested there. */
import type { World } from '../../chaos/faults/fault.ts';
import type { Helper, Lab } from '../../src/runtime/docker/lab.ts';
import type { FakeEngine } from './fake-engine.ts';

const unable = (): never => {
  throw new Error('only a real engine does that');
};

export function fakeWorld(engine: FakeEngine, helpers: Helper[] = []): World {
  const lab: Lab = {
    platform: unable,
    exec: unable,
    listen: unable,
    limits: unable,
    limit: unable,
    memory: unable,
    mount: unable,
    volume: unable,
    user: unable,
    spawn: unable,
    async restart(id) {
      await engine.kill(id);
      await engine.start(id);
    },
    helpers: () => Promise.resolve([...helpers]),
    dismiss(id) {
      helpers.splice(
        helpers.findIndex(h => h.id === id),
        1,
      );
      return Promise.resolve(true);
    },
  };
  return { engine, lab, image: unable, daemon: { look: unable, start: unable } };
}
