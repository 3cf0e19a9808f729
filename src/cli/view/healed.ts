/** What was put right after a command that died. */
import type { Healed } from '../../../chaos/heal.ts';

export function healedLines(healed: readonly Healed[]): string[] {
  return healed.map(h => {
    const note = h.note === null ? '' : ` (${h.note})`;
    return h.healed
      ? `put right: ${h.fault} of ${h.container}${note}`
      : `not put right: ${h.fault} of ${h.container}${note}`;
  });
}
