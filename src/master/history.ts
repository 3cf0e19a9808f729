/** The job's history: the newest events, numbered, for `GET /events`. */
import { cut } from '../protocol/bounds.ts';
import type { HistoryEntry } from './membership/events.ts';
import type { JobEvent } from '../api/event.ts';

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
    const event = { ...entry, text: cut(entry.text, LONGEST), seq: (this.#seq += 1), at, generation };
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

function sizeOf(event: JobEvent | undefined): number {
  return Buffer.byteLength(event?.text ?? '') + Buffer.byteLength(event?.detail ?? '');
}
