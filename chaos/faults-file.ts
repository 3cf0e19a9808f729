/** A faults file: a list of what is to be broken, and when. Every error with its line and column. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { z } from 'zod';
import { FtcError } from '../src/errors.ts';
import { shortPath } from '../src/job/file.ts';
import { checkWith, type Problem } from '../src/job/problem.ts';
import { readYaml } from '../src/job/yaml.ts';
import { decodeUtf8, saveAsUtf8 } from '../src/shared/utf8.ts';
import { aimOf, count, faultKeys, faultProblems, lasting, paramsOf, toMark } from './entry-parts.ts';
import { usualMs } from './faults/fault.ts';
import { faultNamed, faults } from './faults/index.ts';
import type { Act, Planned } from './plan.ts';
import type { Timing } from './schedule.ts';

const mark = (message: string) =>
  z
    .union([z.string(message), z.number(message)], message)
    .refine(value => toMark(value) !== null, message)
    .transform(value => toMark(value) ?? { ms: 0 });

/** The engine itself belongs to others, too: a list of faults does not restart it. */
const usable = faults.filter(fault => fault.consent === undefined && fault.impossible === undefined);
const names = usable.map(fault => fault.name);
const { parameters, shape } = faultKeys(usable);

const Entry = z
  .strictObject(
    {
      at: mark('must be "step 40", or a duration such as "10s"').optional(),
      every: mark('must be "50 steps", or a duration such as "3s"')
        .refine(m => ('steps' in m ? m.steps : m.ms) > 0, 'must be more than none')
        .optional(),
      times: count(1, 10_000, 'At most so often.').optional(),
      scale: count(1, 1000, 'So many workers.').optional(),
      rank: count(0, 999, 'The worker that holds this rank.').optional(),
      for: lasting.optional(),
      ...shape,
    },
    { error: issue => (issue.code === 'invalid_type' ? 'must be a group of keys' : undefined) },
  )
  .superRefine((entry, context) => {
    const problem = (key: string | null, message: string): void =>
      context.addIssue({ code: 'custom', path: key === null ? [] : [key], message });
    const acts = [...names, 'scale'].filter(key => key in entry);
    const [act] = acts;
    if (act === undefined) problem(null, `needs a fault (${names.join(', ')}) or scale`);
    if (acts.length > 1) problem(acts[1] ?? null, `and ${act ?? ''} exclude each other: write two faults`);
    if (entry.at === undefined && entry.every === undefined) problem(null, 'needs one of at and every');
    if (entry.at !== undefined && entry.every !== undefined) problem('every', 'and at exclude each other');
    if (entry.times !== undefined && entry.every === undefined) problem('times', 'belongs to every');
    const fault = usable.find(f => f.name === act);
    if (entry.rank !== undefined && (fault === undefined || aimOf(entry, fault) !== 'worker'))
      problem('rank', 'belongs to a fault of one worker');
    for (const { key, message } of faultProblems(entry, act, fault, parameters)) problem(key, message);
  });
type Entry = z.output<typeof Entry>;

const FaultsFile = z
  .array(Entry, 'must be a list of faults, such as "- { at: step 40, kill: worker }"')
  .min(1, 'must be a list with at least one fault');

/** @throws FtcError FTC_FAULTS_FILE */
export function readFaultsFile(file: string, cwd: string = process.cwd()): Planned[] {
  const path = resolve(cwd, file);
  const name = shortPath(path, cwd);
  return parseFaults(read(path, name), name);
}

/** @param name how errors call the file */
export function parseFaults(text: string, name: string): Planned[] {
  const what = 'a faults file';
  const yaml = readYaml(text, what);
  const { value, problems } =
    yaml.errors.length > 0 ? { value: null, problems: [] } : checkWith(FaultsFile, 'a fault', yaml.values);
  if (value !== null) return value.map(planned);
  const lines = [
    ...yaml.errors,
    ...problems
      .filter(p => !isEcho(p, problems))
      .map(problem => ({
        position: yaml.locate(problem.path, problem.atKey),
        message: `${subject(problem)} ${problem.message}`,
      })),
  ].sort((a, b) => a.position.line - b.position.line || a.position.column - b.position.column);
  const at = lines.map(({ position: { line, column }, message }) => `${name}:${line}:${column}: ${message}`);
  throw new FtcError('FTC_FAULTS_FILE', at.join('\n'));
}

/** What a fault lacks may be what its unknown key was meant to say. */
const isEcho = ({ path }: Problem, all: readonly Problem[]): boolean =>
  path.length === 1 && all.some(other => other.atKey && other.path[0] === path[0]);

/** Line and column say which fault; here is the rest. */
function subject({ path }: Problem): string {
  const [, ...keys] = path;
  if (path.length === 0) return 'a faults file';
  return keys.length === 0 ? 'a fault' : keys.map(String).join('.');
}

function planned(entry: Entry): Planned {
  const timing: Timing =
    entry.at !== undefined
      ? { at: entry.at }
      : { every: entry.every ?? { ms: 0 }, times: entry.times ?? null };
  return { timing, act: actOf(entry) };
}

function actOf(entry: Entry): Act {
  if (entry.scale !== undefined) return { kind: 'scale', workers: entry.scale };
  const fault = faultNamed(names.find(name => name in entry) ?? '');
  return {
    kind: 'fault',
    fault: fault.name,
    target: aimOf(entry, fault),
    rank: entry.rank ?? null,
    params: paramsOf(entry, fault),
    forMs: entry.for ?? usualMs(fault),
  };
}

function read(path: string, name: string): string {
  const { text, problem } = decodeUtf8(readBytes(path, name));
  if (text === null)
    throw new FtcError('FTC_FAULTS_FILE', `the faults file ${name} ${problem}`, { hint: saveAsUtf8 });
  return text;
}

function readBytes(path: string, name: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    const why =
      (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such file' : (cause as Error).message;
    throw new FtcError('FTC_FAULTS_FILE', `cannot read the faults file ${name}: ${why}`, { cause });
  }
}
