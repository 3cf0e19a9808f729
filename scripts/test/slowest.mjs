/**
 * Where the time of a run went: its slowest tests, from the reports of the runners.
 * @typedef {{ name: string, seconds: number }} Timed
 */
import { relative } from 'node:path';

/**
 * @param {string} text vitest's JSON report
 * @param {string} root paths are shown from here
 * @returns {Timed[]} each test, and for each file what went into its set-up
 */
export function timesOfVitest(text, root) {
  try {
    /** @type {{ testResults: { name: string, startTime: number, endTime: number, assertionResults: { fullName: string, duration?: number }[] }[] }} */
    const { testResults } = JSON.parse(text);
    return testResults.flatMap(({ name, startTime, endTime, assertionResults }) => {
      const file = relative(root, name);
      const tests = assertionResults.map(test => ({
        name: `${file}: ${test.fullName}`,
        seconds: (test.duration ?? 0) / 1000,
      }));
      const inTests = tests.reduce((total, test) => total + test.seconds, 0);
      const setUp = (endTime - startTime) / 1000 - inTests;
      return setUp > 0 ? [...tests, { name: `${file}: set-up of the file`, seconds: setUp }] : tests;
    });
  } catch {
    return [];
  }
}

/**
 * @param {string} text a JUnit report, as pytest writes it
 * @returns {Timed[]}
 */
export function timesOfJunit(text) {
  return [...text.matchAll(/<testcase\s([^>]*)>/g)].map(([, attributes = '']) => {
    /** @param {string} name */
    const value = name => new RegExp(`\\b${name}="([^"]*)"`).exec(attributes)?.[1] ?? '';
    return { name: `${value('classname')}: ${value('name')}`, seconds: Number(value('time')) || 0 };
  });
}

/**
 * @param {readonly Timed[]} times
 * @param {number} [count]
 * @returns {string[]} a line each, the slowest first
 */
export function slowest(times, count = 20) {
  return times
    .toSorted((a, b) => b.seconds - a.seconds)
    .slice(0, count)
    .map(({ name, seconds }) => `${seconds.toFixed(1).padStart(7)} s  ${name}`);
}
