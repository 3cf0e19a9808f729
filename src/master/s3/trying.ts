/** Trying again and again: what went wrong last, when the next try is, and who is told. People hear of changes, not of tries. */
import { setTimeout as sleep } from 'node:timers/promises';
import { now } from '../../shared/clock.ts';
import { type Backoff, waitFor } from './backoff.ts';
import type { Fact } from '../../api/fact.ts';
import type { Failure } from './failure.ts';
import type { S3Status } from '../../api/s3.ts';

export type Tell = (level: 'info' | 'warn' | 'error', fact: Fact, step: number | null) => void;

const FOREVER_MS = 2 ** 31 - 1;

export class Trying {
  readonly #backoff: Backoff;
  readonly #tell: Tell;
  #failure: Failure | null = null;
  #failures = 0;
  #failingSince: number | null = null;
  /** The kind of failure that people know of. */
  #told: Failure['kind'] | null = null;
  #nextTryAt: number | null = null;
  #wake = new AbortController();
  #ended = false;

  constructor(backoff: Backoff, tell: Tell) {
    this.#backoff = backoff;
    this.#tell = tell;
  }

  /** The last failure; null while all is well. */
  get failure(): Failure | null {
    return this.#failure;
  }

  status(): Pick<S3Status, 'state' | 'lastError' | 'nextTryAt'> {
    const failure = this.#failure;
    if (failure === null) return { state: 'ok', lastError: null, nextTryAt: null };
    const state = failure.kind === 'refused' || failure.kind === 'unfit' ? 'refused' : 'retrying';
    return { state, lastError: failure.text, nextTryAt: this.#nextTryAt };
  }

  /** @param toCopy checkpoints that are left to copy now */
  succeeded(toCopy: number): void {
    const told = this.#told;
    this.#failure = this.#failingSince = this.#nextTryAt = this.#told = null;
    this.#failures = 0;
    if (told !== null) this.#tell('info', { what: 's3-answers', toCopy }, null);
  }

  /**
   * It is told when it begins, and when it becomes another kind of failure.
   *
   * @param patienceMs what is over sooner is not worth a word
   */
  failed(failure: Failure, doing: 'copying' | 'restoring', patienceMs = 0): void {
    this.#failure = failure;
    this.#failures += 1;
    this.#failingSince ??= now();
    if (this.#told === failure.kind || this.#ended || now() - this.#failingSince < patienceMs) return;
    this.#told = failure.kind;
    const { kind, text: reason } = failure;
    this.#tell('warn', { what: 's3-failing', doing, kind, reason }, null);
  }

  /** Waits before the next try; a call for {@link wake} does not shorten it. */
  async backOff(most = Infinity): Promise<void> {
    const until = now() + Math.min(most, waitFor(this.#backoff, this.#failures, Math.random()));
    this.#nextTryAt = until;
    while (!this.#ended && now() < until) await this.pause(until - now());
  }

  /** Until {@link wake} or {@link end}, at most so long. */
  async pause(ms = FOREVER_MS): Promise<void> {
    if (this.#ended) return;
    if (this.#wake.signal.aborted) this.#wake = new AbortController();
    await sleep(Math.ceil(ms), undefined, { signal: this.#wake.signal, ref: false }).catch(() => undefined);
  }

  wake(): void {
    this.#wake.abort();
  }

  /** Nobody waits any more. */
  end(): void {
    this.#ended = true;
    this.#wake.abort();
  }
}
