/** What an entry of a faults file and one of a scenario's method have in common. A message continues the key. */
import { z } from 'zod';
import { durationPattern, parseDuration } from '../src/job/duration.ts';
import type { Fault, Params, Target } from './faults/fault.ts';
import { metaOf } from './faults/params.ts';
import type { Mark } from './schedule.ts';

const stepsPattern = /^(?:steps? (\d+)|(\d+) steps?)$/;

/** `step 40`, `50 steps`, `10s`; null for anything else. */
export function toMark(value: string | number): Mark | null {
  const [, before, after] = stepsPattern.exec(String(value)) ?? [];
  const steps = before ?? after;
  if (steps !== undefined) return { steps: Number(steps) };
  const ms = parseDuration(value);
  return ms === null ? null : { ms };
}

export function count(least: number, most: number, description: string) {
  const message = `must be a whole number from ${least} to ${most}`;
  return z.int(message).min(least, message).max(most, message).meta({ description });
}

const durationMessage = 'must be a duration such as "500ms" or "2s", more than none';

/** Milliseconds inside. */
export const lasting = z
  .union([z.number(durationMessage), z.string(durationMessage).regex(durationPattern, durationMessage)])
  .refine(value => (parseDuration(value) ?? 0) > 0, durationMessage)
  .transform(value => parseDuration(value) ?? 0)
  .meta({ description: 'How long it lasts.' });

/** A key for each fault, whose value is its target, and one for each parameter that any of them has. */
export function faultKeys(faults: readonly Fault[]) {
  const parameters = faults.flatMap(f =>
    Object.entries(f.params.shape).map(([key, schema]) => [key, metaOf(schema).help] as const),
  );
  return {
    parameters: [...new Set(parameters.map(([key]) => key))],
    shape: {
      ...Object.fromEntries(parameters.map(([key, help]) => [key, parameter(help)])),
      ...Object.fromEntries(faults.map(f => [f.name, target(f)])),
    },
  };
}

const parameter = (help: string) => z.unknown().meta({ description: help }).optional();

function target({ summary, targets: [first = 'worker', ...rest] }: Fault) {
  const list: [Target, ...Target[]] = [first, ...rest];
  return z
    .enum(list, `must be one of ${list.join(', ')}`)
    .meta({ description: `${summary}. Whom.` })
    .optional();
}

type Entry = Readonly<Record<string, unknown>>;

/** Of an entry that has a key for `fault`. */
export const aimOf = (entry: object, { name }: Fault): Target => (entry as Entry)[name] as Target;

/** As they were written. */
export function paramsOf(entry: object, fault: Fault): Params {
  const given = entry as Entry;
  const keys = Object.keys(fault.params.shape).filter(key => given[key] !== undefined);
  return Object.fromEntries(keys.map(key => [key, given[key] as string | number]));
}

/**
 * What is wrong with how long a fault lasts, and with its parameters.
 * @param act what the entry does: a fault's name, or something else, which has neither
 */
export function faultProblems(
  entry: object,
  act: string | undefined,
  fault: Fault | undefined,
  parameters: readonly string[],
): { key: string; message: string }[] {
  const given = entry as Entry;
  const found = parameters
    .filter(key => given[key] !== undefined && !(key in (fault?.params.shape ?? {})))
    .map(key => ({ key, message: `is no parameter of ${act ?? 'nothing'}` }));
  if (given['for'] !== undefined && (fault === undefined || fault.lasting === 'no'))
    found.unshift({ key: 'for', message: 'belongs to a fault that lasts, such as pause' });
  const checked = fault?.params.safeParse(paramsOf(entry, fault));
  for (const { path, message } of checked?.error?.issues ?? [])
    found.push({ key: String(path[0] ?? act), message });
  return found;
}
