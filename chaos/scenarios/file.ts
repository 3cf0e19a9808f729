/** Reads a scenario. Every error with its line and column. */
import { readFileSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { FtcError } from '../../src/errors.ts';
import { shortPath } from '../../src/job/file.ts';
import { builtinOf } from '../../src/job/job.ts';
import { checkWith, type Problem } from '../../src/job/problem.ts';
import { readYaml } from '../../src/job/yaml.ts';
import { decodeUtf8, saveAsUtf8 } from '../../src/shared/utf8.ts';
import type { Scenario } from './scenario.ts';
import { ScenarioFile, scenarioOf } from './schema.ts';

const ENDING = /\.ya?ml$/;

/** @throws FtcError FTC_SCENARIO_FILE */
export function readScenario(file: string, cwd: string = process.cwd()): Scenario {
  const path = resolve(cwd, file);
  const shown = shortPath(path, cwd);
  const scenario = parseScenario(read(path, shown), {
    shown,
    name: basename(path).replace(ENDING, ''),
    path,
  });
  return { ...scenario, job: absolute(scenario.job, dirname(path)) };
}

/** @param shown how errors call the file */
export function parseScenario(
  text: string,
  { shown, name, path }: { shown: string; name: string; path: string | null },
): Scenario {
  const what = 'a scenario';
  const yaml = readYaml(text, what);
  const { value, problems } =
    yaml.errors.length > 0 ? { value: null, problems: [] } : checkWith(ScenarioFile, what, yaml.values);
  if (value !== null) return scenarioOf(value, name, path);
  const lines = [
    ...yaml.errors,
    ...problems
      .filter(p => !isEcho(p, problems))
      .map(p => ({
        position: yaml.locate(p.path, p.atKey),
        message: `${p.key === '' ? what : p.key} ${p.message}`,
      })),
  ].sort((a, b) => a.position.line - b.position.line || a.position.column - b.position.column);
  const at = lines.map(({ position: { line, column }, message }) => `${shown}:${line}:${column}: ${message}`);
  throw new FtcError('FTC_SCENARIO_FILE', at.join('\n'));
}

/** What an entry lacks may be what its unknown key was meant to say. */
const isEcho = ({ path, atKey }: Problem, all: readonly Problem[]): boolean =>
  !atKey &&
  path[0] === 'method' &&
  path.length === 2 &&
  all.some(other => other.atKey && other.path[0] === 'method' && other.path[1] === path[1]);

/** Paths in a scenario are relative to it. */
function absolute(job: Scenario['job'], folder: string): Scenario['job'] {
  const { script, dataset } = job;
  return {
    ...job,
    ...(script !== undefined && builtinOf(script) === null && { script: resolve(folder, script) }),
    ...(typeof dataset === 'string' && { dataset: resolve(folder, dataset) }),
  };
}

function read(path: string, shown: string): string {
  const { text, problem } = decodeUtf8(readBytes(path, shown));
  if (text === null)
    throw new FtcError('FTC_SCENARIO_FILE', `the scenario ${shown} ${problem}`, { hint: saveAsUtf8 });
  return text;
}

function readBytes(path: string, shown: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'it is a folder' : message;
    throw new FtcError('FTC_SCENARIO_FILE', `cannot read the scenario ${shown}: ${why}`, { cause });
  }
}
