/** Scales a run while it is followed, one change after the other. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunningJob } from '../runtime/job.ts';

export class Scaler {
  readonly #job: Pick<RunningJob, 'scaling'>;
  readonly #standbys: number;
  readonly #signal: AbortSignal;
  #last: Promise<void> = Promise.resolve();

  constructor(job: Pick<RunningJob, 'scaling'>, standbys: number, signal: AbortSignal) {
    this.#job = job;
    this.#standbys = standbys;
    this.#signal = signal;
  }

  /**
   * @param workers that hold ranks; standbys come on top
   * @returns how many containers that are
   */
  scale(workers: number): number {
    const containers = workers + this.#standbys;
    const up = async (): Promise<void> => {
      const scaling = await this.#job.scaling();
      await scaling.to(containers, { signal: this.#signal });
    };
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
