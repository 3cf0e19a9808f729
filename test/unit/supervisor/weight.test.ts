import { expect, it } from 'vitest';
import type { Container } from '../../../src/runtime/docker/engine.ts';
import { heavy } from '../../../src/supervisor/weight.ts';

const worker = (id: string, over: Partial<Container> = {}): Container => ({
  kind: 'container',
  id,
  hostname: id,
  name: id,
  role: 'worker',
  job: 'j',
  project: 'j',
  number: 1,
  image: 'ftc-worker',
  state: 'running',
  startedAt: 1000,
  finishedAt: null,
  exitCode: null,
  oomKilled: false,
  pid: 1,
  attached: true,
  favoured: true,
  folder: null,
  cpuShares: 65_536,
  labels: {},
  ports: {},
  ...over,
});

it('is taken back from who is healthy, and from everybody after a while', () => {
  const all = [
    worker('healthy'),
    worker('loads'),
    worker('hangs', { startedAt: -40_000 }),
    worker('usual', { favoured: false }),
    worker('down', { state: 'exited' }),
    worker('master', { role: 'master' }),
  ];
  expect(heavy(all, id => id === 'healthy', 2000)).toEqual({ done: ['healthy', 'hangs'], nextAt: 31_000 });
  expect(heavy([worker('loads')], () => false, 31_000)).toEqual({ done: ['loads'], nextAt: null });
});
