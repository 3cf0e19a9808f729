/** The scenarios that come with ftc, and what a person means by a name. */
import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { FtcError } from '../../src/errors.ts';
import { closest } from '../../src/job/closest.ts';
import { ownPackage } from '../../src/package.ts';
import type { Fault } from '../faults/fault.ts';
import { faultNamed } from '../faults/index.ts';
import { drawable } from './draw.ts';
import { readScenario } from './file.ts';
import { isRandom } from './method.ts';
import type { Scenario } from './scenario.ts';

const ALL = 'all';
const ENDING = '.yaml';

const folder = (): string => join(ownPackage().root, 'chaos/scenarios');

/** In the order of their names. */
export function shippedNames(): string[] {
  return readdirSync(folder())
    .filter(name => name.endsWith(ENDING))
    .map(name => name.slice(0, -ENDING.length))
    .sort();
}

export const isShipped = ({ name, file }: Scenario): boolean => file === join(folder(), name + ENDING);

export const shipped = (name: string): Scenario => readScenario(join(folder(), name + ENDING));

/**
 * Names, paths, or `all`, which leaves out what asks for consent that was not given.
 * @param consents keys of flags that were given
 * @throws FtcError FTC_USAGE that names the nearest; FTC_SCENARIO_FILE
 */
export function findScenarios(
  wanted: readonly string[],
  consents: readonly string[],
  cwd: string = process.cwd(),
): Scenario[] {
  return wanted.flatMap(word => {
    if (word === ALL)
      return shippedNames()
        .map(shipped)
        .filter(s => lacking(s, consents) === undefined);
    const scenario = find(word, cwd);
    const lacks = lacking(scenario, consents);
    if (lacks) throw new FtcError('FTC_USAGE', `the scenario ${word} needs ${lacks.flag}: ${lacks.help}`);
    return [scenario];
  });
}

function find(word: string, cwd: string): Scenario {
  const names = shippedNames();
  if (names.includes(word)) return shipped(word);
  if (/[/\\]|\.ya?ml$/.test(word) || existsSync(resolve(cwd, word))) return readScenario(word, cwd);
  const near = closest(word, [...names, ALL]);
  throw new FtcError('FTC_USAGE', `there is no scenario "${word}"`, {
    hint:
      near === null
        ? `There are ${names.join(', ')}, and all. A file of your own is named by its path.`
        : `Did you mean "${near}"? A file of your own is named by its path.`,
  });
}

/** All that it may do; of random ones all that can be drawn. */
export const faultsOf = ({ method }: Scenario): Fault[] =>
  method
    .flatMap(entry => {
      if (isRandom(entry)) return entry.kinds ?? drawable;
      return entry.deed.kind === 'fault' ? [entry.deed.fault] : [];
    })
    .map(faultNamed);

/** What it asks for first, and did not get. */
const lacking = (scenario: Scenario, consents: readonly string[]): Fault['consent'] =>
  faultsOf(scenario).find(({ consent }) => consent && !consents.includes(consent.key))?.consent;
