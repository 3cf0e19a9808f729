/** A faults file: a list of what is to be broken, and when. Every error with its line and column. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { z } from 'zod';
import { FtcError } from '../src/errors.ts';
import { durationPattern, parseDuration } from '../src/job/duration.ts';
import { shortPath } from '../src/job/file.ts';
import { checkWith, type Problem } from '../src/job/problem.ts';
import { readYaml } from '../src/job/yaml.ts';
import { type Fault, type Target, usualMs } from './faults/fault.ts';
import { faultNamed, faults } from './faults/index.ts';
import type { Act, Planned } from './plan.ts';
import type { Mark, Timing } from './schedule.ts';

const stepsPattern = /^(?:steps? (\d+)|(\d+) steps?)$/;

const mark = (message: string) =>
  z
    .union([z.string(message), z.number(message)], message)
    .refine(value => toMark(value) !== null, message)
    .transform(value => toMark(value) ?? { ms: 0 });

function toMark(value: string | number): Mark | null {
  const [, before, after] = stepsPattern.exec(String(value)) ?? [];
  const steps = before ?? after;
  if (steps !== undefined) return { steps: Number(steps) };
  const ms = parseDuration(value);
  return ms === null ? null : { ms };
}

const count = (least: number, most: number) => {
  const message = `must be a whole number from ${least} to ${most}`;
  return z.int(message).min(least, message).max(most, message);
};

const durationMessage = 'must be a duration such as "500ms" or "2s", more than none';
/** The engine itself belongs to others, too: a list of faults does not restart it. */
const usable = faults.filter(fault => fault.consent === undefined && fault.impossible === undefined);
const names = usable.map(fault => fault.name);
const parameters = [...new Set(usable.flatMap(fault => Object.keys(fault.params.shape)))];

const each = <Value>(keys: readonly string[], value: (key: string) => Value): Record<string, Value> =>
  Object.fromEntries(keys.map(key => [key, value(key)]));

const Entry = z
  .strictObject(
    {
      at: mark('must be "step 40", or a duration such as "10s"').optional(),
      every: mark('must be "50 steps", or a duration such as "3s"')
        .refine(m => ('steps' in m ? m.steps : m.ms) > 0, 'must be more than none')
        .optional(),
      times: count(1, 10_000).optional(),
      scale: count(1, 1000).optional(),
      rank: count(0, 999).optional(),
      for: z
        .union([z.number(durationMessage), z.string(durationMessage).regex(durationPattern, durationMessage)])
        .refine(value => (parseDuration(value) ?? 0) > 0, durationMessage)
        .transform(value => parseDuration(value) ?? 0)
        .optional(),
      ...each(parameters, () => z.unknown().optional()),
      ...each(names, name => z.enum(aims(name), `must be one of ${aims(name).join(', ')}`).optional()),
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
    if (entry.rank !== undefined && (fault === undefined || aimOf(entry, fault.name) !== 'worker'))
      problem('rank', 'belongs to a fault of one worker');
    if (entry.for !== undefined && (fault === undefined || fault.lasting === 'no'))
      problem('for', 'belongs to a fault that lasts, such as pause');
    for (const key of parameters.filter(name => name in entry && !(name in (fault?.params.shape ?? {}))))
      problem(key, `is no parameter of ${fault?.name ?? 'scale'}`);
    const checked = fault?.params.safeParse(paramsOf(entry, fault));
    for (const issue of checked?.error?.issues ?? []) problem(String(issue.path[0] ?? act), issue.message);
  });
type Entry = z.output<typeof Entry>;

function aims(name: string): [Target, ...Target[]] {
  const [first = 'worker', ...rest] = faultNamed(name).targets;
  return [first, ...rest];
}

const aimOf = (entry: object, name: string): Target => (entry as Record<string, Target>)[name] ?? 'worker';

/** As they were written. */
function paramsOf(entry: object, fault: Fault): Record<string, string | number> {
  const given = entry as Record<string, string | number | undefined>;
  return Object.fromEntries(
    Object.keys(fault.params.shape).flatMap(key => {
      const value = given[key];
      return value === undefined ? [] : [[key, value]];
    }),
  );
}

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
    target: aimOf(entry, fault.name),
    rank: entry.rank ?? null,
    params: paramsOf(entry, fault),
    forMs: entry.for ?? usualMs(fault),
  };
}

function read(path: string, name: string): string {
  try {
    return readFileSync(path, 'utf8').replace(/^\uFEFF/, '');
  } catch (cause) {
    const why =
      (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such file' : (cause as Error).message;
    throw new FtcError('FTC_FAULTS_FILE', `cannot read the faults file ${name}: ${why}`, { cause });
  }
}
