import { runtimeContract } from '../../contracts/runtime-contract.ts';
import { FakeEngine } from '../../fakes/fake-engine.ts';
import { fakeRuntime } from '../../fakes/fake-runtime.ts';

runtimeContract('in memory', () => {
  const name = 'ftctest-fake';
  class Printing extends FakeEngine {
    override async start(id: string): Promise<void> {
      const before = await this.inspect(id);
      await super.start(id);
      if (before?.state === 'created') for (const line of ['out', 'err']) this.print(id, line);
    }
  }
  const engine = new Printing();
  return Promise.resolve({
    runtime: fakeRuntime(engine, [name]),
    name,
    favours: true,
    create: (role, number) => Promise.resolve(engine.add({ role, number, project: name }).id),
    close: () => Promise.resolve(),
  });
});
