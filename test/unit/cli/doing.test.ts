import { expect, it } from 'vitest';
import { doing } from '../../../src/cli/view/job.ts';
import { WorkerRow } from '../../../src/api/status.ts';

const row = (more: object): WorkerRow =>
  WorkerRow.parse({
    id: 'a',
    container: 'job-worker-1',
    rank: 0,
    role: 'rank',
    state: 'training',
    phase: 'compute',
    step: 7,
    restarts: 0,
    lastSeenMs: 10,
    ...more,
  });

it.each([
  [{}, 'compute'],
  [{ phase: 'reduce', slow: 3.1 }, 'reduce, 3.1 × slower'],
  [{ stuckMs: 12_000, slow: 3.1 }, 'compute, others wait 12 s'],
  [{ rank: null, role: 'standby', state: 'ready', phase: 'idle' }, 'ready'],
])('what a worker does: %j is "%s"', (more, text) => {
  expect(doing(row(more))).toContain(text);
});
