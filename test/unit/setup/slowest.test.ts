import { expect, it } from 'vitest';
import { slowest, timesOfJunit, timesOfVitest } from '../../../scripts/test/slowest.mjs';

it('vitest: each test, and what went into the set-up of its file', () => {
  const report = {
    testResults: [
      {
        ...{ name: '/repo/test/engine/kill.test.ts', startTime: 1_000, endTime: 31_000 },
        assertionResults: [{ fullName: 'a job ends', duration: 4_000 }, { fullName: 'skipped' }],
      },
    ],
  };
  expect(timesOfVitest(JSON.stringify(report), '/repo')).toEqual([
    { name: 'test/engine/kill.test.ts: a job ends', seconds: 4 },
    { name: 'test/engine/kill.test.ts: skipped', seconds: 0 },
    { name: 'test/engine/kill.test.ts: set-up of the file', seconds: 26 },
  ]);
  expect(timesOfVitest('no report', '/repo')).toEqual([]);
});

it('pytest: each test', () => {
  const text =
    '<testsuites><testsuite tests="2"><testcase classname="tests.test_a" name="test_x[1-b]" time="1.25" />' +
    '<testcase classname="tests.test_a" name="test_y" time="0.5"><failure/></testcase></testsuite></testsuites>';
  expect(timesOfJunit(text)).toEqual([
    { name: 'tests.test_a: test_x[1-b]', seconds: 1.25 },
    { name: 'tests.test_a: test_y', seconds: 0.5 },
  ]);
});

it('the slowest come first', () => {
  const times = Array.from({ length: 30 }, (_, i) => ({ name: `t${i}`, seconds: i }));
  const lines = slowest(times);
  expect(lines).toHaveLength(20);
  expect(lines[0]).toBe('   29.0 s  t29');
});
