/** The job's history: the newest events, numbered, for `GET /events`. */
import { cut } from '../protocol/bounds.ts';
import type { HistoryEntry } from './membership/events.ts';
import { kindOf, type JobEvent } from '../api/event.ts';
import type { Fact } from '../api/fact.ts';
import { wording } from '../api/wording.ts';

const KEEP = 2000;
/** Bytes of text; who says little has the more events for it. */
const KEEP_BYTES = 4 << 20;
/** Of one event: what is quoted in it may be longer. */
const LONGEST = 8 << 10;

export class History {
  #events: JobEvent[] = [];
  #bytes = 0;
  /** Numbers go on over a restart of the master: they begin with the clock. */
  #seq = Date.now();

  add(entry: HistoryEntry, generation: number, at: number): JobEvent {
    const { fact: whole, ...where } = entry;
    const fact = bounded(whole);
    const text = cut(wording(fact, generation), LONGEST);
    const event = { seq: (this.#seq += 1), at, kind: kindOf(fact), ...where, generation, fact, text };
    this.#events.push(event);
    this.#bytes += sizeOf(event);
    while (this.#events.length > KEEP || this.#bytes > KEEP_BYTES) {
      this.#bytes -= sizeOf(this.#events.shift());
    }
    return event;
  }

  /** Events with a number above `seq`. */
  after(seq: number): JobEvent[] {
    return this.#events.filter(e => e.seq > seq);
  }
}

const sizeOf = (event: JobEvent | undefined): number => Buffer.byteLength(JSON.stringify(event ?? ''));

/** What is quoted in a fact may be as long as a script likes. */
function bounded(fact: Fact): Fact {
  const entries = Object.entries(fact).map(([key, value]: [string, unknown]): [string, unknown] => [
    key,
    typeof value === 'string' ? cut(value, LONGEST) : value,
  ]);
  return Object.fromEntries(entries) as Fact;
}
