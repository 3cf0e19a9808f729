import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { checkLines } from '../../../src/cli/view/replicas.ts';
import { Mismatch, noChecks, type ReplicaStatus } from '../../../src/api/replicas.ts';
import type { Status } from '../../../src/api/status.ts';
import { divergence } from '../master/simulation.ts';

const workers = [
  { id: 'a', container: 'job-worker-1' },
  { id: 'b', container: 'job-worker-2' },
];
const said = (more: Partial<Status>): string[] =>
  checkLines({
    ...{ workers, replicas: noChecks, skippedSteps: 0, finished: null, totalSteps: 100 },
    ...more,
  } as Status).map(stripVTControlCharacters);
const replicas = (more: Partial<ReplicaStatus>): string[] =>
  said({ replicas: { ...noChecks, checks: 1234, checkedStep: 420, ...more } });
const last = Mismatch.parse({ ...divergence(), at: 1 });

describe('the checks of the replicas, in one line', () => {
  it.each<[Partial<ReplicaStatus>, string[]]>([
    [{ checks: 0 }, []],
    [{}, ['replicas: checked to step 420 (1,234 checks), no difference']],
    [{ checks: 1, checkedStep: null }, ['replicas: 1 check, no difference']],
    [
      { mismatches: 1, repaired: 1, last },
      [
        'replicas: checked to step 420 (1,234 checks), 1 difference repaired (job-worker-2, model.0.weight, step 42)',
      ],
    ],
    [
      { mismatches: 1, returned: 1, last: { ...last, workers: ['a', 'x'], action: 'returned', toStep: 40 } },
      [
        'replicas: checked to step 420 (1,234 checks), 1 difference undone by going back (job-worker-1, x, model.0.weight, step 42, back to 40)',
      ],
    ],
    [
      { mismatches: 4, repaired: 2, returned: 1, last: { ...last, workers: ['a', 'b', 'c', 'd'] } },
      [
        'replicas: checked to step 420 (1,234 checks), 4 differences: 2 repaired, 1 undone by going back, 1 fatal (4 workers, model.0.weight, step 42)',
      ],
    ],
  ])('%j', (more, lines) => expect(replicas(more)).toEqual(lines));
});

it('tells of steps that were left out, and of an early end', () => {
  expect(said({ skippedSteps: 1 })).toEqual(['1 step was left out: a number was not finite']);
  expect(said({ skippedSteps: 2, finished: 'good enough', totalSteps: 123 })).toEqual([
    '2 steps were left out: a number was not finite',
    'finished early at step 123: good enough',
  ]);
});
