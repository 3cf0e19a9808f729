/** The kinds of values that faults take. Each says what it is called on the command line. A message continues the name: `must be …`. */
import { z } from 'zod';
import { durationForms, durationPattern, parseDuration } from '../../src/job/duration.ts';

/** How a parameter is shown. */
export interface ParamMeta {
  /** `<duration>` on the command line. */
  readonly value: string;
  readonly help: string;
  /** As it is written; absent where there is none. */
  readonly usual?: string | number;
}

const meta = (value: string, help: string, usual?: string | number): ParamMeta => ({
  value,
  help,
  ...(usual !== undefined && { usual }),
});

export const metaOf = (schema: unknown): ParamMeta => (schema as z.ZodType).meta() as unknown as ParamMeta;

export const none = z.strictObject({});

/** Milliseconds inside. */
export function time(help: string, usual: string, leastMs = 0) {
  const message = `must be ${durationForms}`;
  return z
    .union([z.number(message), z.string(message).regex(durationPattern, message)], message)
    .refine(value => (parseDuration(value) ?? -1) >= leastMs, message)
    .transform(value => parseDuration(value) ?? 0)
    .prefault(usual)
    .meta({ ...meta('duration', help, usual) });
}

export function whole(help: string, usual: number, least: number, most: number) {
  const message = `must be a whole number from ${least} to ${most}`;
  return z.coerce
    .number<number | string>(message)
    .int(message)
    .min(least, message)
    .max(most, message)
    .prefault(usual)
    .meta({ ...meta('n', help, usual) });
}

export function maybeWhole(help: string, least: number, most: number) {
  const message = `must be a whole number from ${least} to ${most}`;
  return z.coerce
    .number<number | string>(message)
    .int(message)
    .min(least, message)
    .max(most, message)
    .optional()
    .meta({ ...meta('n', help) });
}

export function fraction(help: string, usual: number, least: number, most: number) {
  const message = `must be a number from ${least} to ${most}`;
  return z.coerce
    .number<number | string>(message)
    .min(least, message)
    .max(most, message)
    .prefault(usual)
    .meta({ ...meta('n', help, usual) });
}

/** A share of all packets: `5%`. Inside a number from 0 to 1. */
export function share(help: string, usual: string) {
  const message = 'must be a share such as "5%", more than 0% and at most 100%';
  const parse = (text: string | number): number => Number(String(text).replace(/%$/, '')) / 100;
  return z
    .union([z.string(message).regex(/^\d+(\.\d+)?%?$/, message), z.number(message)], message)
    .refine(value => parse(value) > 0 && parse(value) <= 1, message)
    .transform(parse)
    .prefault(usual)
    .meta({ ...meta('share', help, usual) });
}

const units: Record<string, number> = { '': 1, k: 1e3, m: 1e6, g: 1e9 };

/** A number of bytes: `64m` is 64 million. */
export function bytes(help: string, usual: string) {
  const message = 'must be a number of bytes such as "500k", "64m" or "2g"';
  const pattern = /^(\d+(?:\.\d+)?)([kmg]?)b?$/i;
  return z
    .union([z.string(message).regex(pattern, message), z.number(message).nonnegative(message)], message)
    .transform(value => {
      const [, amount = '0', unit = ''] = pattern.exec(String(value)) ?? [];
      return Math.round(Number(amount) * (units[unit.toLowerCase()] ?? 1));
    })
    .prefault(usual)
    .meta({ ...meta('bytes', help, usual) });
}

/** Bits a second: `1mbit`. */
export function bitrate(help: string, usual: string) {
  const message = 'must be a rate such as "500kbit", "10mbit" or "1gbit"';
  const pattern = /^(\d+(?:\.\d+)?)([kmg]?)bit$/i;
  return z
    .string(message)
    .regex(pattern, message)
    .transform(value => {
      const [, amount = '0', unit = ''] = pattern.exec(value) ?? [];
      return Math.round(Number(amount) * (units[unit.toLowerCase()] ?? 1));
    })
    .refine(value => value >= 8000, message)
    .prefault(usual)
    .meta({ ...meta('rate', help, usual) });
}

export function choice<const Values extends readonly [string, ...string[]]>(
  help: string,
  values: Values,
  usual: Values[number],
) {
  return z
    .enum(values as unknown as [Values[number], ...Values[number][]], `must be one of ${values.join(', ')}`)
    .prefault(usual)
    .meta({ ...meta('which', `${help}: ${values.join(', ')}`, usual) });
}

/** @param refused those that are signals, and do not do here */
export function signal(
  help: string,
  usual: string,
  refused: { but: (name: string) => boolean; message: string } = { but: () => false, message: '' },
) {
  const message = 'must be a signal such as SIGKILL, TERM or 9';
  return z
    .union([z.string(message), z.number(message)], message)
    .transform(value => {
      const text = String(value).toUpperCase();
      return /^\d+$/.test(text) || text.startsWith('SIG') ? text : `SIG${text}`;
    })
    .refine(name => /^(\d{1,2}|SIG[A-Z0-9+]{2,12})$/.test(name), message)
    .refine(name => !refused.but(name), refused.message)
    .prefault(usual)
    .meta({ ...meta('signal', help, usual) });
}

export function words(help: string, pattern: RegExp, forms: string, usual?: string) {
  const message = `must be ${forms}`;
  const schema = z.string(message).regex(pattern, message);
  return usual === undefined
    ? schema.optional().meta({ ...meta('which', help) })
    : schema.prefault(usual).meta({ ...meta('which', help, usual) });
}
