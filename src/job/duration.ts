/** Durations in a job file: `"500ms"`, `"5s"`, `"2m"`, `"1h"`, or a number of seconds. Inside, always milliseconds. */

export const durationPattern = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/;
export const durationForms = 'a duration such as "500ms", "5s", "2m", or a number of seconds';

const milliseconds: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Milliseconds, rounded to whole ones; null if `value` is no duration. */
export function parseDuration(value: string | number): number | null {
  const [, amount, unit = 's'] = durationPattern.exec(String(value)) ?? [];
  return amount === undefined ? null : Math.round(Number(amount) * (milliseconds[unit] ?? 1000));
}

/** What the containers read: seconds, as a decimal number. */
export function toSeconds(ms: number): string {
  return String(ms / 1000);
}
