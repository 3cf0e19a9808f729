/** How long to wait before the next try. Pure. */

export interface Backoff {
  readonly initialMs: number;
  readonly maxMs: number;
}

/**
 * Doubles from try to try, and is spread over its second half, so that many who failed together do not come back together.
 * @param failures in a row, 1 or more
 * @param random 0 to 1
 */
export function waitFor({ initialMs, maxMs }: Backoff, failures: number, random: number): number {
  const full = Math.min(maxMs, initialMs * 2 ** Math.min(failures - 1, 30));
  return Math.round(full * (0.5 + random / 2));
}
