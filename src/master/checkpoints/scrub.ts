/** Reads checkpoints again in the background, so that rot is found before they are needed. When and which: scrub-plan.ts. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Manager } from '../../checkpoint/manager.ts';
import { now } from '../../shared/clock.ts';
import { planScrub, restAfter } from './scrub-plan.ts';

/** Bytes a second. Hashing them takes a few hundredths of a core. */
const RATE = 64e6;
/** After an error of the file system. Milliseconds. */
const AGAIN_MS = 10_000;
const LONGEST_MS = 2 ** 31 - 1;

export interface ScrubOptions {
  readonly manager: Manager;
  readonly everyMs: number;
  /** One was read. */
  readonly verified: () => void;
  readonly failed: (error: unknown) => void;
}

export class Scrub {
  readonly #o: ScrubOptions;
  readonly #end = new AbortController();
  #wake = new AbortController();
  #restUntil = 0;
  #turns = 0;
  #running: Promise<void> = Promise.resolve();

  constructor(o: ScrubOptions) {
    this.#o = o;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Something new may be there. */
  wake(): void {
    this.#wake.abort();
  }

  async close(): Promise<void> {
    this.#end.abort();
    this.#wake.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#end.signal.aborted) {
      this.#wake = new AbortController();
      const waitMs = await this.#turn().catch((error: unknown) => {
        if (!this.#end.signal.aborted) this.#o.failed(error);
        return AGAIN_MS;
      });
      const signal = AbortSignal.any([this.#wake.signal, this.#end.signal]);
      await sleep(Math.min(waitMs, LONGEST_MS), undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  /** For how long there is nothing to do. */
  async #turn(): Promise<number> {
    const { manager, everyMs, verified } = this.#o;
    const plan = planScrub(await manager.list(), {
      now: now(),
      everyMs,
      restUntil: this.#restUntil,
      turn: this.#turns,
    });
    if ('waitMs' in plan) return plan.waitMs;
    const began = now();
    await manager.verify(plan.verify, { rate: RATE, signal: this.#end.signal });
    this.#restUntil = restAfter(now(), now() - began);
    this.#turns += 1;
    verified();
    return 0;
  }
}
