import { describe, expect, it } from 'vitest';
import { engineContract } from '../../../contracts/engine-contract.ts';
import { FakeEngine } from '../../../fakes/fake-engine.ts';
import { PrintingEngine } from '../../../fakes/printing-engine.ts';

engineContract('in memory', () => {
  const project = 'ftctest-fake';
  const engine = new PrintingEngine();
  return Promise.resolve({
    engine,
    project,
    create: (role, number) => Promise.resolve(engine.add({ role, number, project }).id),
    cutOff: id => Promise.resolve(engine.cutOff(id)),
    close: () => Promise.resolve(),
  });
});

describe('the engine in memory', () => {
  it('goes away and comes back, and then says that events may have been missed', async () => {
    const engine = new FakeEngine();
    const { id } = engine.add({ role: 'worker', project: 'p', state: 'running' });
    const stop = new AbortController();
    const events = engine.events('p', stop.signal);
    expect(await events.next()).toMatchObject({ value: 'connected' });

    engine.goAway();
    await expect(engine.list('p')).rejects.toMatchObject({ code: 'FTC_ENGINE_GONE' });
    engine.exit(id, 137);
    engine.comeBack();
    expect(await events.next()).toMatchObject({ value: 'connected' });
    expect(await engine.inspect(id)).toMatchObject({ state: 'exited', exitCode: 137 });
    stop.abort();
    expect(await events.next()).toMatchObject({ done: true });
  });
});
