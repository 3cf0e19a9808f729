/** Speed, measured from what was committed in the last ten seconds. */
const WINDOW_MS = 10_000;
/** A pace of less says more about the noise. */
const LEAST_SECONDS = 1;

interface Mark {
  readonly at: number;
  readonly step: number;
  readonly samples: number;
}

export class Pace {
  #marks: Mark[] = [];

  /** A worker said at `at` (its clock) that the job stands at `step`, `samples`. What is no progress is ignored. */
  note(mark: Mark): void {
    const last = this.#marks.at(-1);
    // Workers are at most one step apart; further back means that everybody resumed from a checkpoint.
    if (last && mark.step < last.step - 1) this.#marks = [];
    else if (last && (mark.step <= last.step || mark.at <= last.at)) return;
    this.#marks.push(mark);
    while (this.#marks.length > 2 && mark.at - (this.#marks[1] as Mark).at > WINDOW_MS) this.#marks.shift();
  }

  /** Null until two marks are known, and once nothing moved for two windows. */
  rates(now: number): { samplesPerSecond: number; secondsPerStep: number } | null {
    const first = this.#marks[0];
    const last = this.#marks.at(-1);
    if (!first || !last || first === last || now - last.at > 2 * WINDOW_MS) return null;
    const seconds = (last.at - first.at) / 1000;
    if (seconds < LEAST_SECONDS) return null;
    return {
      samplesPerSecond: (last.samples - first.samples) / seconds,
      secondsPerStep: seconds / (last.step - first.step),
    };
  }
}
