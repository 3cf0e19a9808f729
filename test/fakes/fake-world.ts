/** What faults work with, on an engine in memory. What it cannot do is a real engine's, and is tested there. */
import type { World } from '../../chaos/faults/fault.ts';
import { handsOf } from '../../src/runtime/docker/hands.ts';
import { capabilities, type FaultHands, type Helper } from '../../src/runtime/faults.ts';
import type { FakeEngine } from './fake-engine.ts';

const unable = (): never => {
  throw new Error('only a real engine does that');
};

export function fakeWorld(engine: FakeEngine, project: string, helpers: Helper[] = []): World {
  const faults: FaultHands = {
    capabilities: new Set(capabilities),
    prepare: unable,
    pause: id => engine.pause(id),
    unpause: id => engine.unpause(id),
    remove: id => engine.remove(id),
    async restart(id) {
      await engine.kill(id);
      await engine.start(id);
    },
    exec: unable,
    listen: unable,
    limits: unable,
    limit: unable,
    memory: unable,
    mount: unable,
    volume: unable,
    user: unable,
    spawn: unable,
    helpers: () => Promise.resolve([...helpers]),
    dismiss(id) {
      helpers.splice(
        helpers.findIndex(h => h.id === id),
        1,
      );
      return Promise.resolve(true);
    },
    engine: { look: unable, start: unable },
  };
  return { hands: handsOf(engine, project), faults };
}
