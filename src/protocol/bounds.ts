/** How much of anything one message may bring: whoever reaches the control link must not fill the master's memory. */
import { z } from 'zod';

/**
 * Generations and steps end here, far below 2^53: no job gets near, whatever is added to them stays exact in all languages.
 */
export const MOST = 2 ** 40;

/** A name on the link: a container's hostname, an address. It has no character that could be anything else on a screen. */
export const name = (most: number) =>
  z
    .string()
    .regex(/^[!-~]+$/)
    .max(most);

/** Text for people. What is longer loses its end: the link of who says too much must not be lost for it. Bytes. */
export const text = (most: number) => z.string().transform(value => cut(value, most));

/** `value`, or as much of it as fits into `most` bytes of UTF-8, its last character a `…`. */
export function cut(value: string, most: number): string {
  if (value.length <= most && Buffer.byteLength(value) <= most) return value;
  const ellipsis = '…';
  const kept = Buffer.from(value.slice(0, most))
    .subarray(0, most - Buffer.byteLength(ellipsis))
    .toString('utf8');
  return kept.replace(/\ufffd+$/, '') + ellipsis;
}

/** Of a job's metrics at its end. */
const MOST_METRICS = 256;

/** Numbers by name; those that are too many are left out. */
export const numbers = z.record(z.string(), z.number()).transform(all =>
  Object.fromEntries(
    Object.entries(all)
      .slice(0, MOST_METRICS)
      .map(([key, n]) => [cut(key, 256), n]),
  ),
);

/** What an event keeps beside its sentence. */
export const lines = z.string().transform(text => text.slice(0, 32_768));
