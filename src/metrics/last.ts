/** The newest line of step metrics, for the status. Read when somebody asks; a disk that does not answer keeps nobody waiting. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { StepLine } from '../api/step-line.ts';
import { lastStep } from './steps.ts';

/** So long the status waits for the disk. Milliseconds. */
const PATIENCE_MS = 200;

export class LastMetrics {
  readonly #path: string;
  #line: StepLine | null = null;
  #reading: Promise<void> | null = null;

  constructor(path: string) {
    this.#path = path;
  }

  /** As it was when it was last looked at. */
  get line(): StepLine | null {
    return this.#line;
  }

  async look(): Promise<void> {
    // One at a time, however many ask.
    this.#reading ??= lastStep(this.#path)
      .then(line => void (this.#line = line))
      .catch(() => undefined)
      .finally(() => (this.#reading = null));
    const late = new AbortController();
    await Promise.race([this.#reading, sleep(PATIENCE_MS, undefined, late)]).finally(() => late.abort());
  }
}
