import { describe, expect, it } from 'vitest';
import { ofTests } from '../../../scripts/test/leftovers.mjs';
import { countJunit, countVitest, tally } from '../../../scripts/test/tally.mjs';

const good = { name: 'unit', code: 0, counts: { passed: 5, failed: 0, skipped: 0 } };

describe('the closing line', () => {
  it('sums up', () => {
    const python = { name: 'python', code: 0, counts: { passed: 7, failed: 0, skipped: 0 } };
    expect(tally([good, python])).toEqual({ line: '12 passed, 0 failed', ok: true, problems: [] });
  });

  it('names what was skipped, and only then', () => {
    const some = { name: 'engine', code: 0, counts: { passed: 1, failed: 0, skipped: 2 } };
    expect(tally([good, some])).toMatchObject({ line: '6 passed, 0 failed, 2 skipped', ok: true });
  });

  it.each([
    ['a test failed', { code: 1, counts: { passed: 1, failed: 2, skipped: 0 } }, '6 passed, 2 failed', 0],
    [
      'all passed and the runner did not',
      { code: 1, counts: { passed: 1, failed: 0, skipped: 0 } },
      '6 passed, 1 failed',
      1,
    ],
    ['a runner was killed', { code: null, counts: null }, '5 passed, 1 failed', 1],
    [
      'a runner ran nothing',
      { code: 0, counts: { passed: 0, failed: 0, skipped: 0 } },
      '5 passed, 1 failed',
      1,
    ],
    [
      'a runner skipped all',
      { code: 0, counts: { passed: 0, failed: 0, skipped: 3 } },
      '5 passed, 1 failed, 3 skipped',
      1,
    ],
  ])('%s: not ok', (_, outcome, line, problems) => {
    const result = tally([good, { name: 'other', ...outcome }]);
    expect(result).toMatchObject({ line, ok: false });
    expect(result.problems).toHaveLength(problems);
  });

  it('nothing was run: not ok', () => {
    expect(tally([]).ok).toBe(false);
  });
});

describe('a report', () => {
  it("of vitest's", () => {
    const report = { numPassedTests: 3, numFailedTests: 1, numPendingTests: 2, numTodoTests: 1 };
    expect(countVitest(JSON.stringify(report))).toEqual({ passed: 3, failed: 1, skipped: 3 });
    expect(countVitest('')).toBeNull();
    expect(countVitest('{}')).toBeNull();
  });

  it("of pytest's", () => {
    const report =
      '<?xml version="1.0"?><testsuites name="pytest tests"><testsuite name="pytest" errors="1" failures="2" skipped="3" tests="10" time="1">';
    expect(countJunit(report)).toEqual({ passed: 4, failed: 3, skipped: 3 });
    expect(countJunit('')).toBeNull();
  });
});

it("removes what tests left, and nobody's job", () => {
  expect(ofTests('a1 ftctest-kill\nb2 fashion-mnist\nc3 \n\nd4 ftctest-x\n')).toEqual(['a1', 'd4']);
});
