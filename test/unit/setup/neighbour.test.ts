import { expect, it, vi } from 'vitest';
import { outcomeOf } from '../../../scripts/test/neighbour.mjs';

it.each([
  ['running 1 7', 'running 1 7', 1],
  // The engine was started again, and so was the container.
  ['running 1 7', 'running 2 9', 0],
  ['running 1 7', 'exited 1 0', 0],
  ['running 1 7', '', 0],
  ['', '', 0],
])('a neighbour that was %j and is %j: %d passed', (before, after, passed) => {
  const said = vi.spyOn(console, 'error').mockReturnValue();
  expect(outcomeOf(before, after)).toMatchObject({
    code: 1 - passed,
    counts: { passed, failed: 1 - passed },
  });
  expect(said).toHaveBeenCalledTimes(1 - passed);
  said.mockRestore();
});
