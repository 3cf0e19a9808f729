/** The kinds of limits that hypotheses have. A message continues the key. */
import { z } from 'zod';
import { durationForms, durationPattern, parseDuration } from '../../src/job/duration.ts';

export const yes = (description: string) =>
  z.boolean('must be true or false').meta({ description, default: true });

export function most(description: string) {
  const message = 'must be a whole number, 0 or more';
  return z.int(message).nonnegative(message).meta({ description });
}

/** Milliseconds inside. */
export function time(description: string) {
  const message = `must be ${durationForms}`;
  return z
    .union([z.number(message).positive(message), z.string(message).regex(durationPattern, message)], message)
    .transform(value => parseDuration(value) ?? 0)
    .meta({ description });
}

/** How many there may be. */
export function counted(description: string) {
  const n = (what: string) => most(what).optional();
  return z
    .strictObject(
      { atLeast: n('No fewer than this.'), atMost: n('No more than this.') },
      { error: issue => (issue.code === 'invalid_type' ? 'must be a group of keys' : undefined) },
    )
    .refine(({ atLeast, atMost }) => atLeast !== undefined || atMost !== undefined, 'needs atLeast or atMost')
    .meta({ description });
}
export type Counted = z.output<ReturnType<typeof counted>>;

/** `at least 1 and at most 3`. */
export function countClaim({ atLeast, atMost }: Counted): string {
  const parts = [];
  if (atLeast !== undefined) parts.push(`at least ${atLeast}`);
  if (atMost !== undefined) parts.push(atMost === 0 ? 'none' : `at most ${atMost}`);
  return parts.join(' and ');
}

export const isWithin = (n: number, { atLeast = 0, atMost = Infinity }: Counted): boolean =>
  n >= atLeast && n <= atMost;

/** How long something may take, over all the times that it happened. */
export function spread(description: string) {
  return z
    .strictObject(
      {
        median: time('Half of them took no longer.').optional(),
        p99: time('99 of 100 took no longer (nearest rank).').optional(),
        max: time('None took longer.').optional(),
      },
      { error: issue => (issue.code === 'invalid_type' ? 'must be a group of keys' : undefined) },
    )
    .refine(s => Object.values(s).some(v => v !== undefined), 'needs median, p99 or max')
    .meta({ description });
}
export type Spread = z.output<ReturnType<typeof spread>>;
