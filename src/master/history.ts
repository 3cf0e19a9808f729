/** The job's history: the newest events, numbered, for `GET /events`. */
import type { HistoryEntry } from './membership/events.ts';
import type { JobEvent } from './status.ts';

const KEEP = 2000;

export class History {
  #events: JobEvent[] = [];
  #seq = 0;

  add(entry: HistoryEntry, generation: number, at: number): JobEvent {
    const event = { ...entry, seq: (this.#seq += 1), at, generation };
    this.#events.push(event);
    if (this.#events.length > KEEP) this.#events.shift();
    return event;
  }

  /** Events with a number above `seq`. After a restart of the master numbers begin again: a reader that is ahead gets all. */
  after(seq: number): JobEvent[] {
    return this.#events.filter(e => e.seq > (seq > this.#seq ? 0 : seq));
  }
}
