/** A faults file: a list of what is to be broken, and when. Every error with its line and column. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { z } from 'zod';
import { FtcError } from '../src/errors.ts';
import { durationPattern, parseDuration } from '../src/job/duration.ts';
import { shortPath } from '../src/job/file.ts';
import { checkWith, type Problem } from '../src/job/problem.ts';
import { readYaml } from '../src/job/yaml.ts';
import { targets, type Act, type Planned } from './plan.ts';
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

const target = z.enum(targets, `must be one of ${targets.join(', ')}`);
const durationMessage = 'must be a duration such as "500ms" or "2s", more than none';

const Entry = z
  .strictObject(
    {
      at: mark('must be "step 40", or a duration such as "10s"').optional(),
      every: mark('must be "50 steps", or a duration such as "3s"')
        .refine(m => ('steps' in m ? m.steps : m.ms) > 0, 'must be more than none')
        .optional(),
      times: count(1, 10_000).optional(),
      kill: target.optional(),
      pause: target.optional(),
      stop: target.optional(),
      scale: count(1, 1000).optional(),
      rank: count(0, 999).optional(),
      for: z
        .union([z.number(durationMessage), z.string(durationMessage).regex(durationPattern, durationMessage)])
        .refine(value => (parseDuration(value) ?? 0) > 0, durationMessage)
        .transform(value => parseDuration(value) ?? 0)
        .optional(),
    },
    { error: issue => (issue.code === 'invalid_type' ? 'must be a group of keys' : undefined) },
  )
  .superRefine((entry, context) => {
    const problem = (key: string | null, message: string): void =>
      context.addIssue({ code: 'custom', path: key === null ? [] : [key], message });
    const acts = ['kill', 'pause', 'stop', 'scale'].filter(key => key in entry);
    if (acts.length === 0) problem(null, 'needs one of kill, pause, stop and scale');
    if (acts.length > 1)
      problem(acts[1] ?? null, `and ${acts[0] ?? ''} exclude each other: write two faults`);
    if (entry.at === undefined && entry.every === undefined) problem(null, 'needs one of at and every');
    if (entry.at !== undefined && entry.every !== undefined) problem('every', 'and at exclude each other');
    if (entry.times !== undefined && entry.every === undefined) problem('times', 'belongs to every');
    if (entry.rank !== undefined && (entry.kill ?? entry.pause ?? entry.stop) !== 'worker')
      problem('rank', 'belongs to a fault of one worker');
    if (entry.pause !== undefined && entry.for === undefined)
      problem('pause', 'needs for: how long it lasts');
    if (entry.for !== undefined && entry.pause === undefined && entry.stop === undefined)
      problem('for', 'belongs to pause and stop');
  });

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

function planned(entry: z.output<typeof Entry>): Planned {
  const timing: Timing =
    entry.at !== undefined
      ? { at: entry.at }
      : { every: entry.every ?? { ms: 0 }, times: entry.times ?? null };
  return { timing, act: actOf(entry) };
}

function actOf(entry: z.output<typeof Entry>): Act {
  if (entry.scale !== undefined) return { kind: 'scale', workers: entry.scale };
  const rest = { rank: entry.rank ?? null, forMs: entry.for ?? null };
  if (entry.pause !== undefined) return { kind: 'pause', target: entry.pause, ...rest };
  if (entry.stop !== undefined) return { kind: 'stop', target: entry.stop, ...rest };
  return { kind: 'kill', target: entry.kill ?? 'worker', ...rest };
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
