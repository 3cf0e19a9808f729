import { expect, it } from 'vitest';
import { closest } from '../../../src/job/closest.ts';

const known = ['workers', 'virtualRanks', 'seed', 'steps', 'checkpoint', 'resources'];

it.each([
  ['worker', 'workers'],
  ['wrokers', 'workers'],
  ['virtual-ranks', 'virtualRanks'],
  ['virtual_ranks', 'virtualRanks'],
  ['Seed', 'seed'],
  ['checkpiont', 'checkpoint'],
  ['resource', 'resources'],
  ['seedNumber', 'seed'],
])('takes %s for %s', (word, guess) => {
  expect(closest(word, known)).toBe(guess);
});

it.each(['gpu', 'x', '', 'learningRate'])('does not guess at "%s"', word => {
  expect(closest(word, known)).toBeNull();
});
