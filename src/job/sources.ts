/** What the environment and the command line say about a job. */
import { resolve } from 'node:path';
import { FtcError } from '../errors.ts';
import { absoluteVolumes } from './file.ts';
import { builtinOf } from './job.ts';
import { check } from './problem.ts';
import { secretOf } from './s3.ts';
import { parseScale } from './scale.ts';
import type { JobFile } from './schema.ts';
import { optionName, settings, type Setting } from './settings.ts';

/** As commander hands them over; names as in `settings`, and those below. */
export interface JobFlags {
  readonly file?: string | undefined;
  readonly scale?: readonly string[] | undefined;
  readonly env?: readonly string[] | undefined;
  readonly volume?: readonly string[] | undefined;
  readonly [name: string]: unknown;
}

/** A variable that is empty counts as absent. Paths are relative to `cwd`. */
export function fromEnvironment(env: Readonly<Record<string, string | undefined>>, cwd: string): JobFile {
  return read(
    setting => (setting.env === '' ? undefined : env[setting.env]),
    setting => setting.env,
    cwd,
  );
}

export function fromFlags(flags: JobFlags, cwd: string): JobFile {
  const value = (setting: Setting): string | undefined => {
    if (setting.flag === null) return undefined;
    const given = flags[optionName(setting.flag)];
    if (setting.kind === 'switch') return given === true ? 'true' : undefined;
    return typeof given === 'string' ? given : undefined;
  };
  const { env, volume } = flags;
  const lists = { ...(env && { environment: env }), ...(volume && { volumes: volume }) };
  const said = read(value, setting => (setting.flag ?? '').split(' ')[0] ?? '', cwd, lists);
  const workers = parseScale(flags.scale ?? []);
  return workers === null ? said : { ...said, workers };
}

/** The flags of what is a list or a group in a job file, by its key. */
const listFlags: Readonly<Record<string, string>> = { environment: '--env', volumes: '--volume' };

function read(
  valueOf: (setting: Setting) => string | undefined,
  nameOf: (setting: Setting) => string,
  cwd: string,
  lists: Readonly<Record<string, unknown>> = {},
): JobFile {
  const values: Record<string, unknown> = { ...lists };
  for (const setting of settings) {
    const text = valueOf(setting);
    if (text === undefined || text === '') continue;
    put(values, setting.path, interpret(setting, text, cwd));
  }
  const { value, problems } = check(values);
  if (value?.volumes) return { ...value, volumes: absoluteVolumes(value.volumes, cwd) };
  if (value !== null) return value;
  const lines = problems.map(problem => {
    const setting = settings.find(({ path }) => path.join('.') === problem.key);
    return `${setting ? nameOf(setting) : (listFlags[String(problem.path[0])] ?? problem.key)} ${problem.message}`;
  });
  throw new FtcError('FTC_USAGE', lines.join('\n'));
}

/** Sets what is at `path`, and makes the groups on the way. */
function put(group: Record<string, unknown>, [key = '', ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) group[key] = value;
  else put((group[key] ??= {}) as Record<string, unknown>, rest, value);
}

/** A number that is none stays text, so that the schema can say what it is not. */
function interpret({ kind }: Setting, text: string, cwd: string): string | number | boolean {
  if (kind === 'switch') return text === 'true';
  if (kind === 'number') return /^[+-]?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
  if (kind === 'path' || (kind === 'script' && builtinOf(text) === null)) return resolve(cwd, text);
  if (kind === 'credentials' && secretOf(text) === null) return resolve(cwd, text);
  return text;
}
