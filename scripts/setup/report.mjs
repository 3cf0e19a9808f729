/** Something that a person has to do or to know; everything else that is thrown is a defect. */
export class SetupProblem extends Error {
  /**
   * @param {string} message what is wrong
   * @param {string} [hint] what to do
   */
  constructor(message, hint) {
    super(message);
    this.name = 'SetupProblem';
    this.hint = hint;
  }
}

/**
 * @typedef {{
 *   dryRun: boolean,
 *   changed: () => number,
 *   note: (text: string) => void,
 *   step: <T>(what: string, why: string, action: () => Promise<T>, outcome?: (result: T) => string) => Promise<T | undefined>,
 * }} Report
 */

/**
 * Tells what is about to be done and why, does it, and tells how long it took: one line each, for people.
 * In a dry run it only tells.
 * @param {{ dryRun?: boolean, name?: string, write?: (line: string) => void, clock?: () => number }} [options]
 * @returns {Report}
 */
export function createReport({
  dryRun = false,
  name = 'setup',
  write = line => process.stderr.write(`${line}\n`),
  clock = () => performance.now(),
} = {}) {
  let steps = 0;
  return {
    dryRun,
    changed: () => steps,
    note: text => write(`${name}: ${text}`),
    async step(what, why, action, outcome = () => 'done') {
      steps += 1;
      if (dryRun) {
        write(`${name}: would ${what} (${why})`);
        return undefined;
      }
      write(`${name}: ${what} (${why}) …`);
      const startedAt = clock();
      const result = await action();
      write(`${name}:   ${outcome(result)} in ${((clock() - startedAt) / 1000).toFixed(1)} s`);
      return result;
    },
  };
}
