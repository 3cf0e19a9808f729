/** One fault of one or several containers, from its record to its end. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Replica } from '../src/runtime/replica.ts';
import { now } from '../src/shared/clock.ts';
import type { Draft, Fault, FaultRecord, Hit, Params, Scene, World } from './faults/fault.ts';
import type { Entry } from './journal/entries.ts';

/** Where the engine does not let it be undone, it is tried again. Milliseconds, times. */
const RETRY_MS = 250;
const TRIES = 240;
/** Of a command that ends. */
const HURRIED_TRIES = 4;

export interface Order {
  readonly fault: Fault;
  readonly params: Params;
  readonly hits: readonly Hit[];
  /** Everybody of the job who runs. */
  readonly job: readonly Hit[];
  /** Null for what is never undone. */
  readonly forMs: number | null;
  readonly seed: number;
}

export class Infliction {
  readonly order: Order;
  /** When it happened to the first, milliseconds since the epoch. */
  #at: number | null = null;
  /** Of whom it hit. */
  readonly records: FaultRecord[] = [];
  /** For people: targets that were gone, and the like. */
  readonly notes: string[] = [];
  /** Resolves when nothing of it is in force any more. */
  readonly over: Promise<void>;
  isOver = false;
  /** Something of it could not be undone: the journal still has it. */
  leftOpen = false;
  readonly #world: World;
  readonly #append: (entry: Entry) => void;
  readonly #early = new AbortController();
  readonly #inForce = new Map<string, FaultRecord>();
  #end: () => void = () => undefined;
  #hurry = false;
  #reverting: Promise<void> | null = null;

  constructor(world: World, order: Order, append: (entry: Entry) => void) {
    this.order = order;
    this.#world = world;
    this.#append = append;
    this.over = new Promise(resolve => (this.#end = resolve));
  }

  get at(): number {
    return this.#at ?? now();
  }

  /** It is undone at its end. */
  get lasts(): boolean {
    return this.order.forMs !== null;
  }

  /** Whom it hit, each once. */
  get hits(): readonly Hit[] {
    const ids = new Set(this.records.map(r => r.container.id));
    return this.order.hits.filter(h => ids.has(h.container.id));
  }

  /** What exactly was hit of it. */
  detail({ container }: Hit): string | null {
    const record = this.records.find(r => r.container.id === container.id);
    return record ? this.order.fault.detail(record) : null;
  }

  note(text: string): void {
    this.notes.push(text);
  }

  /** This run of a container is later than the one that was chosen, and than any that was hit. */
  isLater({ id, startedAt }: Replica): boolean {
    const runs = [...this.order.hits.map(h => h.container), ...this.records.map(r => r.container)];
    return runs.every(run => run.id !== id || (run.startedAt ?? 0) < (startedAt ?? 0));
  }

  /** Looks, writes it down, does it. What it may have done is undone when it fails. */
  async hit(scene: Scene, hit: Hit, draft: Draft): Promise<void> {
    const { fault, params } = this.order;
    try {
      const prepared = await fault.prepare(this.#world, scene, hit, params, draft);
      const record = { ...draft, at: now(), data: prepared.data };
      if (this.#isUndone()) return await prepared.cancel?.();
      this.#append({ type: 'fault', record });
      this.#at ??= record.at;
      let done: unknown;
      try {
        done = await prepared.apply(record);
      } catch (error) {
        await fault.revert(this.#world, record);
        this.#append({ type: 'failed', id: record.id, at: now(), reason: (error as Error).message });
        throw error;
      }
      this.records.push(done === undefined ? record : { ...record, data: done });
      // Before anything else can fail: what is in here is undone.
      if (this.lasts) this.#inForce.set(record.id, record);
      this.#append({ type: 'applied', id: record.id, at: now() });
      if (!this.lasts) this.#append({ type: 'over', id: record.id, at: now(), note: null });
      if (this.#isUndone()) await this.#undo(record);
    } catch (error) {
      if (scene.hits.length > 1) this.note(`${hit.container.name}: ${(error as Error).message}`);
      throw error;
    }
  }

  /** All who could be hit are: from now on its time runs. */
  begin(): void {
    const { forMs } = this.order;
    if (forMs === null) return this.#finish();
    void sleep(forMs, undefined, { signal: this.#early.signal }).then(
      () => this.revert(),
      () => undefined,
    );
  }

  /** Undoes it now, and tries again where the engine does not let it; what remains is in the journal. `hurry`: not for long. */
  revert({ hurry = false } = {}): Promise<void> {
    this.#early.abort();
    this.#hurry ||= hurry;
    return (this.#reverting ??= Promise.all([...this.#inForce.values()].map(r => this.#undo(r))).then(() =>
      this.#finish(),
    ));
  }

  /** It may be, while somebody is still being hit. */
  #isUndone(): boolean {
    return this.#early.signal.aborted;
  }

  async #undo(record: FaultRecord): Promise<void> {
    this.#inForce.delete(record.id);
    const { name } = record.container;
    for (let tries = 1; ; tries += 1) {
      try {
        const note = await this.order.fault.revert(this.#world, record);
        this.#append({ type: 'over', id: record.id, at: now(), note });
        if (note !== null) this.note(`${name}: ${note}`);
        return;
      } catch (error) {
        // It is paused, or the engine is away for a moment.
        if (tries < (this.#hurry ? HURRIED_TRIES : TRIES)) await sleep(RETRY_MS);
        else {
          this.leftOpen = true;
          this.note(`${name}: not undone yet: ${(error as Error).message}`);
          return;
        }
      }
    }
  }

  #finish(): void {
    this.isOver = true;
    this.#end();
  }
}
