/**
 * What this process stored and removed a short while ago: a store may list it late, and what is not listed would be sent again, and what
 * still is would be taken for there. Pure but for what it remembers.
 */
import { MANIFEST } from '../../checkpoint/names.ts';
import type { Stored } from './bucket.ts';

/** After so long the list is believed. */
const SETTLES_MS = 300_000;

/** The tag of what was stored, until a list shows it. */
const UNKNOWN = '';

interface Act {
  readonly at: number;
  /** What is there now; null for removed. */
  readonly stored: Stored | null;
  /** The tag of the manifest that was there before; null for none. A list that shows it is an old one. */
  readonly before: string | null;
}

export class Recent {
  readonly #acts = new Map<number, Act>();

  /** @param before what was listed of that step */
  put(stored: Stored, before: Stored | undefined, now: number): void {
    this.#acts.set(stored.step, { at: now, stored, before: tagOf(before) });
  }

  removed(stored: Stored, now: number): void {
    this.#acts.set(stored.step, { at: now, stored: null, before: tagOf(stored) });
  }

  /** The list with what it does not show yet, and without what it still does. Newest first. */
  applyTo(listed: readonly Stored[], now: number): Stored[] {
    const steps = new Map(listed.map(stored => [stored.step, stored]));
    for (const [step, { at, stored, before }] of this.#acts) {
      const tag = tagOf(steps.get(step));
      if (now - at >= SETTLES_MS) this.#acts.delete(step);
      else if (tag !== null && before !== UNKNOWN && tag !== before) continue;
      else if (stored === null) steps.delete(step);
      else steps.set(step, stored);
    }
    return [...steps.values()].sort((a, b) => b.step - a.step);
  }
}

const tagOf = (stored: Stored | undefined): string | null => stored?.files.get(MANIFEST)?.etag ?? null;
