/**
 * What one test runner reported. `code` is its exit status, null where it could not be run or was killed.
 * @typedef {{ name: string, code: number | null, counts: Counts | null, times?: import('./slowest.mjs').Timed[] }} Outcome
 * @typedef {{ passed: number, failed: number, skipped: number }} Counts
 */

/**
 * @param {string} text vitest's JSON report
 * @returns {Counts | null} null where it is no such report
 */
export function countVitest(text) {
  try {
    const { numPassedTests, numFailedTests, numPendingTests, numTodoTests } = JSON.parse(text);
    const counts = {
      passed: numPassedTests,
      failed: numFailedTests,
      skipped: numPendingTests + numTodoTests,
    };
    return Object.values(counts).every(Number.isInteger) ? counts : null;
  } catch {
    return null;
  }
}

/**
 * @param {string} text a JUnit report, as pytest writes it
 * @returns {Counts | null}
 */
export function countJunit(text) {
  const suites = [...text.matchAll(/<testsuite\s([^>]*)>/g)].map(match => match[1] ?? '');
  if (suites.length === 0) return null;
  /** @param {string} name */
  const sum = name =>
    suites.reduce(
      (total, suite) => total + Number(new RegExp(`\\b${name}="(\\d+)"`).exec(suite)?.[1] ?? 0),
      0,
    );
  const failed = sum('failures') + sum('errors');
  const skipped = sum('skipped');
  return { passed: sum('tests') - failed - skipped, failed, skipped };
}

/**
 * Sums up. A runner that crashed, reported nothing or ran nothing counts as one failure, so that the closing line never
 * looks better than the run was.
 * @param {readonly Outcome[]} outcomes
 * @returns {{ line: string, ok: boolean, problems: string[] }}
 */
export function tally(outcomes) {
  const total = { passed: 0, failed: 0, skipped: 0 };
  /** @type {string[]} */
  const problems = [];
  for (const { name, code, counts } of outcomes) {
    const { passed, failed, skipped } = counts ?? { passed: 0, failed: 0, skipped: 0 };
    const problem =
      counts === null
        ? `${name}: ended without a report (exit status ${code ?? 'unknown'})`
        : passed + failed === 0
          ? `${name}: ran no test`
          : code !== 0 && failed === 0
            ? `${name}: no test failed, but the runner did (exit status ${code ?? 'unknown'})`
            : null;
    if (problem !== null) problems.push(problem);
    total.passed += passed;
    total.failed += problem === null ? failed : Math.max(failed, 1);
    total.skipped += skipped;
  }
  if (outcomes.length === 0) problems.push('nothing was run');
  const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : '';
  return {
    line: `${total.passed} passed, ${total.failed} failed${skipped}`,
    ok: total.failed === 0 && problems.length === 0,
    problems,
  };
}
