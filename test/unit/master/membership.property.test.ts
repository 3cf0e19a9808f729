import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Model, type Setting } from './model.ts';

const id = fc.constantFrom('a', 'b', 'c', 'd', 'e');
const about = (...verbs: string[]) =>
  fc.tuple(fc.constantFrom(...verbs), id).map(([verb, who]) => `${verb} ${who}`);

/** One thing that happens. */
const word = fc.oneof(
  { weight: 12, arbitrary: fc.constant('step') },
  { weight: 8, arbitrary: fc.constantFrom(200, 400, 1000, 2000, 5000).map(ms => `pass ${ms}`) },
  { weight: 12, arbitrary: about('start', 'ready', 'link') },
  { weight: 6, arbitrary: about('kill') },
  { weight: 4, arbitrary: about('flip') },
  { weight: 6, arbitrary: about('freeze', 'thaw', 'cut', 'mend', 'stick', 'deafen', 'slow', 'unlink') },
  { weight: 4, arbitrary: about('partial', 'down', 'vanish', 'giveup', 'fail', 'done') },
  { weight: 5, arbitrary: fc.nat({ max: 6 }).map(after => `crash ${after}`) },
  { weight: 3, arbitrary: fc.nat({ max: 30 }).map(back => `late ${back}`) },
  { weight: 3, arbitrary: fc.constantFrom('restart', 'supervisor', 'report') },
  { weight: 2, arbitrary: fc.constantFrom('hold', 'release') },
  { weight: 1, arbitrary: fc.constantFrom('stop') },
);

const setting: fc.Arbitrary<Setting> = fc.record({
  standbys: fc.integer({ min: 0, max: 1 }),
  minWorkers: fc.integer({ min: 1, max: 2 }),
  onStraggler: fc.constantFrom('report', 'replace'),
});

const usual: Setting = { standbys: 0, minWorkers: 1, onStraggler: 'report' };

function live(history: readonly string[], how: Setting = usual): Model {
  const model = new Model(how);
  for (const what of history) model.perform(what);
  model.calm();
  return model;
}

it('every history keeps the invariants and ends: succeeded, failed with a reason, or waiting for a stated thing', () => {
  fc.assert(
    fc.property(
      fc.array(word, { maxLength: 30, size: 'max' }),
      setting,
      (history, how) => void live(history, how),
    ),
    { numRuns: 10_000 },
  );
}, 120_000);

/** Histories that were once too much, as short as they could be made. */
it.each<[string, string[], Partial<Setting>?]>([
  ['the rank that breaks every collective is the first one', ['deafen a']],
  ['a worker hangs while the job stops', ['ready b', 'stick b', 'stop']],
  ['one was paused before the new master heard of it', ['crash 0', 'freeze a', 'down c'], { minWorkers: 2 }],
  ['one died behind a link that looks alive', ['cut a', 'kill a', 'down c'], { minWorkers: 2 }],
  [
    'a stopped job begins again, and the master dies between the generation and the state',
    ['crash 0', 'kill a', 'kill b', 'stop', 'ready c', 'crash 2', 'restart', 'pass 1000', 'pass 1000'],
  ],
  [
    'a stopped job begins again while some are still in its last generation',
    [
      'down a',
      'ready d',
      'ready c',
      'stop',
      'crash 4',
      'partial c',
      'pass 5000',
      'crash 3',
      'supervisor',
      'pass 5000',
    ],
    { standbys: 1 },
  ],
  [
    'the master dies before it has told a standby of its rank',
    ['ready a', 'ready b', 'ready c', 'ready d', 'step', 'crash 5', 'kill a'],
    { standbys: 1 },
  ],
  [
    'all hang, and one joins',
    ['kill a', 'kill c', 'ready b', 'pass 5000', 'step', 'stick b', 'start a', 'ready a'],
  ],
])('%s', (_, history, how) => {
  expect(() => live(history, { ...usual, ...how })).not.toThrow();
});
