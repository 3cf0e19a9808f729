/** The job's history: the newest events, numbered, for `GET /events`. */
import type { HistoryEntry } from './membership/events.ts';
import type { JobEvent } from './status.ts';

const KEEP = 2000;

export class History {
  #events: JobEvent[] = [];
  /** Numbers go on over a restart of the master: they begin with the clock. */
  #seq = Date.now();

  add(entry: HistoryEntry, generation: number, at: number): JobEvent {
    const event = { ...entry, seq: (this.#seq += 1), at, generation };
    this.#events.push(event);
    if (this.#events.length > KEEP) this.#events.shift();
    return event;
  }

  /** Events with a number above `seq`. */
  after(seq: number): JobEvent[] {
    return this.#events.filter(e => e.seq > seq);
  }
}
