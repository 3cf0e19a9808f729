/** One entry of a scenario's method. A message continues the key. */
import { z } from 'zod';
import { FtcError } from '../../src/errors.ts';
import { aimOf, count, faultKeys, faultProblems, lasting, paramsOf, toMark } from '../entry-parts.ts';
import { usualMs } from '../faults/fault.ts';
import { faults } from '../faults/index.ts';
import { parseWhen, type When } from '../when.ts';
import type { Deed, MethodEntry, Moment, Place } from './method.ts';

const names = faults.map(fault => fault.name);
const { parameters, shape: faultShape } = faultKeys(faults);

const sharePattern = /^(\d+(?:\.\d+)?)%$/;

function toPlace(value: string | number): Place | null {
  const share = toShare(value);
  return share === null ? toMark(value) : { share };
}

function toShare(value: string | number): number | null {
  const [, percent] = sharePattern.exec(String(value)) ?? [];
  return percent === undefined || Number(percent) > 100 ? null : Number(percent) / 100;
}

const place = (message: string, description: string) =>
  z
    .union([z.string(message), z.number(message)], message)
    .refine(value => toPlace(value) !== null, message)
    .transform(value => toPlace(value) ?? { ms: 0 })
    .meta({ description });

const share = (description: string) => {
  const message = 'must be a share of the way such as "10%"';
  return z
    .string(message)
    .refine(value => toShare(value) !== null, message)
    .transform(value => toShare(value) ?? 0)
    .meta({ description });
};

const when = z
  .string('must be such as "phase=checkpoint" or "step=40"')
  .transform((text, context): When => {
    try {
      return parseWhen(text);
    } catch (error) {
      if (!(error instanceof FtcError)) throw error;
      context.addIssue(`is "${text}". ${error.hint ?? ''}`.trim());
      return z.NEVER;
    }
  })
  .meta({ description: 'When the job reaches a step, or does this: phase=checkpoint, phase=regroup, …' });

const sized = (place: Place): boolean => Object.values(place).every(n => n > 0);

const keys = {
  at: place(
    'must be "step 40", a share of the way such as "30%", or a duration such as "10s"',
    'Once: at a step, at a share of the way, or so long after the first step.',
  ).optional(),
  every: place(
    'must be "50 steps", a share of the way such as "10%", or a duration such as "3s"',
    'Again and again: so many steps, or so long, after the last one.',
  )
    .refine(sized, 'must be more than none')
    .optional(),
  when: when.optional(),
  times: count(1, 10_000, 'With every and when: at most so often. Default: 1 with when.').optional(),
  rank: count(0, 999, 'The worker that holds this rank.').optional(),
  count: count(1, 1000, 'So many, chosen at random.').optional(),
  percent: count(1, 100, 'This share of them, chosen at random.').optional(),
  for: lasting.optional(),
  scale: count(1, 1000, 'So many workers from then on.').optional(),
  random: count(1, 10_000, 'So many faults, drawn by the seed.').optional(),
  kinds: z
    .array(z.enum(names, `must be one of ${names.join(', ')}`), 'must be a list of faults')
    .min(1, 'must be a list of faults')
    .meta({ description: 'With random: which faults. Default: all that the platform can do.' })
    .optional(),
  after: share('With random: none before this. Default: 5%.').optional(),
  before: share('With random: none after this. Default: 85%.').optional(),
};

const randomKeys = ['random', 'kinds', 'after', 'before'];
/** Where a random fault may be, where nothing is said. */
const [AFTER, BEFORE] = [0.05, 0.85];

export const EntrySchema = z
  .strictObject(
    { ...faultShape, ...keys },
    {
      error: issue => (issue.code === 'invalid_type' ? 'must be a group of keys' : undefined),
    },
  )
  .superRefine((entry, context) => {
    const given = entry as Readonly<Record<string, unknown>>;
    const problem = (key: string | null, message: string): void =>
      context.addIssue({ code: 'custom', path: key === null ? [] : [key], message });
    const has = (key: string): boolean => given[key] !== undefined;
    const acts = [...names, 'scale', 'random'].filter(has);
    const [act] = acts;
    if (act === undefined) problem(null, 'needs a fault ("ftc chaos list" shows them), scale, or random');
    if (acts.length > 1)
      return problem(acts[1] ?? null, `and ${act ?? ''} exclude each other: write two entries`);
    const times = ['at', 'every', 'when'].filter(has);
    if (act === 'random') {
      for (const key of Object.keys(given).filter(k => has(k) && !randomKeys.includes(k)))
        problem(key, 'is drawn, and does not go with random');
      const { after = AFTER, before = BEFORE } = entry;
      if (after >= before)
        problem(has('before') ? 'before' : 'after', 'leaves nothing between after and before');
      return;
    }
    for (const key of ['kinds', 'after', 'before'].filter(has)) problem(key, 'belongs to random');
    if (times.length === 0) problem(null, 'needs one of at, every and when');
    if (times.length > 1) problem(times[1] ?? null, `and ${times[0] ?? ''} exclude each other`);
    if (has('times') && (has('at') || (entry.when && 'step' in entry.when)))
      problem('times', 'belongs to every, and to when with a phase');
    const fault = faults.find(f => f.name === act);
    const one = fault !== undefined && ['worker', 'standby'].includes(aimOf(given, fault));
    for (const key of ['rank', 'count', 'percent'].filter(has))
      if (!one) problem(key, 'belongs to a fault of workers or standbys');
    if (has('rank') && fault && aimOf(given, fault) === 'standby')
      problem('rank', 'is what a standby has none of');
    for (const { key, message } of faultProblems(entry, act, fault, parameters)) problem(key, message);
  });
export type EntrySchema = z.output<typeof EntrySchema>;

export function methodEntry(entry: EntrySchema): MethodEntry {
  const { random, kinds = null, after = AFTER, before = BEFORE } = entry;
  if (random !== undefined) return { random, kinds, after, before };
  return { moment: momentOf(entry), deed: deedOf(entry) };
}

function momentOf({ at, every, when: condition, times }: EntrySchema): Moment {
  if (at !== undefined) return { at };
  if (condition !== undefined)
    return 'step' in condition ? { at: { steps: condition.step } } : { when: condition, times: times ?? 1 };
  return { every: every ?? { ms: 0 }, times: times ?? null };
}

function deedOf(entry: EntrySchema): Deed {
  const many = { count: entry.count ?? null, percent: entry.percent ?? null };
  if (entry.scale !== undefined) return { kind: 'scale', workers: entry.scale, ...many };
  const given = entry as Readonly<Record<string, unknown>>;
  const fault = faults.find(f => given[f.name] !== undefined);
  if (!fault) throw new Error('an entry without a fault has passed its schema');
  return {
    kind: 'fault',
    fault: fault.name,
    target: aimOf(given, fault),
    rank: entry.rank ?? null,
    params: paramsOf(given, fault),
    forMs: entry.for ?? usualMs(fault),
    ...many,
  };
}
