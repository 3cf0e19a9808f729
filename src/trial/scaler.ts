/** Scales a run while it is followed, one change after the other. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Compose, ComposeProject } from '../runtime/docker/compose.ts';

export class Scaler {
  readonly #compose: Compose;
  readonly #project: ComposeProject;
  readonly #standbys: number;
  readonly #signal: AbortSignal;
  #last: Promise<void> = Promise.resolve();

  constructor(compose: Compose, project: ComposeProject, standbys: number, signal: AbortSignal) {
    this.#compose = compose;
    this.#project = project;
    this.#standbys = standbys;
    this.#signal = signal;
  }

  /**
   * @param workers that hold ranks; standbys come on top
   * @returns how many containers that are
   */
  scale(workers: number): number {
    const containers = workers + this.#standbys;
    const up = (): Promise<void> =>
      this.#compose.up(this.#project, {
        workers: containers,
        recreate: false,
        signal: this.#signal,
      });
    this.#last = this.#last.then(up).catch(async (error: unknown) => {
      // Compose trips over containers that die under its hands: once more, when they are back.
      if (this.#signal.aborted) throw error;
      await sleep(1000, undefined, { signal: this.#signal });
      await up();
    });
    // It is waited for at the end; until then a failure is nobody's surprise.
    this.#last.catch(() => undefined);
    return containers;
  }

  /** Until all is as it was asked for. @throws FtcError FTC_COMPOSE_FAILED */
  settled(): Promise<void> {
    return this.#last;
  }
}
