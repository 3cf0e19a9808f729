/** The kinds of values that the schema of a job file is made of. A message continues the key's name: `must be …`. */
import { z } from 'zod';
import { durationForms, durationPattern, parseDuration } from './duration.ts';

export const whole = (min: number, max: number = Number.MAX_SAFE_INTEGER) => {
  const range = max === Number.MAX_SAFE_INTEGER ? `, ${min} or more` : ` from ${min} to ${max}`;
  const message = `must be a whole number${range}`;
  return z.int(message).min(min, message).max(max, message);
};

export const text = (message: string, pattern = /./) => z.string(message).regex(pattern, message);

export const duration = (leastMs: number, least: string) => {
  const message = `must be ${durationForms}, ${least} or more`;
  return z
    .union([z.number(message).nonnegative(message), text(message, durationPattern)], message)
    .refine(value => (parseDuration(value) ?? 0) >= leastMs, message)
    .transform(value => parseDuration(value) ?? 0);
};

/** The same, or `off`, which is 0. */
export const durationOrOff = (leastMs: number, least: string) => {
  const message = `must be "off", or ${durationForms}, ${least} or more`;
  const pattern = new RegExp(`${durationPattern.source}|^off$`);
  const parse = (value: string | number): number => (value === 'off' ? 0 : (parseDuration(value) ?? 0));
  return z
    .union([z.number(message).nonnegative(message), text(message, pattern)], message)
    .refine(value => parse(value) === 0 || parse(value) >= leastMs, message)
    .transform(parse);
};

export const group = <Shape extends z.core.$ZodLooseShape>(shape: Shape) =>
  z.strictObject(shape, {
    error: issue => (issue.code === 'invalid_type' ? 'must be a group of keys' : undefined),
  });

/** What an editor shows beside a key. */
export const described = (description: string, value?: unknown) =>
  value === undefined ? { description } : { description, default: value };
