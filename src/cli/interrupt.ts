/** Ctrl+C, once and twice; and the terminal that goes away, which must not take the job along. */
import { ExitCode } from '../errors.ts';

export class Interrupt {
  #controller = new AbortController();
  #count = 0;
  #first: (() => void) | null = null;
  #second: (() => Promise<void>) | null = null;

  /** @param hangup what a terminal that goes away does: ends the command and leaves the job alone, or interrupts as Ctrl+C */
  constructor(hangup: 'leave' | 'interrupt' = 'leave') {
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => this.#take());
    process.on('SIGHUP', () => (hangup === 'leave' ? process.exit(0) : this.#take()));
    for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  }

  /** Aborts (AbortError, exit code 130) at the first interrupt, unless {@link handle} took over. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get count(): number {
    return this.#count;
  }

  /** From now on the first interrupt calls `first`, and the second `second` before the process ends. */
  handle(first: () => void, second: () => Promise<void>): void {
    this.#first = first;
    this.#second = second;
    if (this.#count > 0) first();
  }

  #take(): void {
    this.#count += 1;
    if (this.#count === 1 && this.#first) return this.#first();
    if (this.#count === 1) return this.#controller.abort();
    if (this.#count > 2 || !this.#second) process.exit(ExitCode.interrupted);
    void this.#second().finally(() => process.exit(ExitCode.interrupted));
  }
}
