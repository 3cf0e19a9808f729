import { runtimeContract } from '../../contracts/runtime-contract.ts';
import { PrintingEngine } from '../../fakes/printing-engine.ts';
import { fakeRuntime } from '../../fakes/fake-runtime.ts';

runtimeContract('in memory', () => {
  const name = 'ftctest-fake';
  const engine = new PrintingEngine();
  return Promise.resolve({
    runtime: fakeRuntime(engine, [name]),
    name,
    favours: true,
    create: (role, number) => Promise.resolve(engine.add({ role, number, project: name }).id),
    close: () => Promise.resolve(),
  });
});
