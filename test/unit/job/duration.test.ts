import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseDuration, toSeconds } from '../../../src/job/duration.ts';

it.each([
  ['500ms', 500],
  ['5s', 5_000],
  ['2m', 120_000],
  ['1h', 3_600_000],
  ['1.5s', 1_500],
  ['7', 7_000],
  [0.25, 250],
])('reads %s', (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

it.each(['', 's', '5 s', '-1s', '5d', 'fast', '1e3', NaN, Infinity])('refuses %s', text => {
  expect(parseDuration(text)).toBeNull();
});

it('reads back what the containers are told', () => {
  fc.assert(fc.property(fc.nat(), ms => parseDuration(toSeconds(ms)) === ms));
});
