/**
 * Numbers that no job reaches, in what was written before the control link had bounds. A master that went on from one could
 * not count on: 2^53 + 1 is 2^53.
 */
import { MOST } from '../protocol/bounds.ts';

/** `"generation" is 9007199254740987`; null where there is none. Whatever else the number belongs to is shown by its name. */
export function poisonIn(value: unknown, key = ''): string | null {
  if (typeof value === 'number') {
    return COUNTS.has(key) && !(Math.abs(value) <= MOST) ? `"${key}" is ${value}` : null;
  }
  if (typeof value !== 'object' || value === null) return null;
  for (const [name, item] of Object.entries(value)) {
    const found = poisonIn(item, Array.isArray(value) ? key : name);
    if (found !== null) return found;
  }
  return null;
}

/** The journal's fields that count something. */
const COUNTS = new Set([
  ...[
    'generation',
    'wanted',
    'totalSteps',
    'step',
    'fromStep',
    'toStep',
    'atStep',
    'resumedStep',
    'stepsLost',
  ],
  ...['checks', 'checkedStep', 'skipped', 'before'],
]);
