import { expect, it } from 'vitest';
import { FtcError } from '../../../src/errors.ts';
import { parseScale } from '../../../src/job/scale.ts';

it('reads how many workers there are to be; the last word counts', () => {
  expect(parseScale([])).toBeNull();
  expect(parseScale(['worker=3'])).toBe(3);
  expect(parseScale(['worker=3', 'worker=1000'])).toBe(1000);
});

it.each([
  ['worker=0', 'at least one worker'],
  ['worker=-1', 'at least one worker'],
  ['worker=1001', 'at most 1000'],
  ['worker=1000000', 'at most 1000'],
  ['worker=99999999999999999999999', 'at most 1000'],
  ['worker=abc', '"abc" is not a whole number'],
  ['worker=1.5', 'not a whole number'],
  ['worker=', 'not a whole number'],
  ['worker=1e3', 'not a whole number'],
  ['worker', 'not service=number'],
  ['=3', 'not service=number'],
  ['', 'not service=number'],
  ['workers=3', 'no service "workers"'],
  ['trainer=3', 'no service "trainer"'],
  ['master=2', 'exactly one master'],
])('refuses %s', (value, message) => {
  const attempt = () => parseScale([value]);
  expect(attempt).toThrow(FtcError);
  expect(attempt).toThrow(message);
});

it('guesses what was meant', () => {
  expect(() => parseScale(['workers=5'])).toThrow(
    expect.objectContaining({ code: 'FTC_SCALE', exitCode: 2, hint: 'Did you mean worker=5?' }),
  );
});
