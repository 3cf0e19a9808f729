/** Checkpoints that turn out to be damaged, each told once. */
import { type CheckpointRow, isGood } from '../../api/checkpoint-row.ts';
import type { CheckpointStatus } from '../../api/checkpoint-status.ts';

export class Damage {
  #told = new Set<string>();
  #now: CheckpointStatus['damaged'] = [];

  /** Newest first. */
  get damaged(): CheckpointStatus['damaged'] {
    return this.#now;
  }

  /** Takes what is there now; returns a line for each that was not told yet. */
  see(rows: readonly CheckpointRow[]): { readonly step: number; readonly text: string }[] {
    const bad = rows.filter(row => row.state === 'damaged');
    const key = (row: CheckpointRow): string => `${row.name} ${row.problem}`;
    const news = bad.filter(row => !this.#told.has(key(row)));
    this.#told = new Set(bad.map(key));
    this.#now = bad.map(({ step, problem }) => ({ step, problem: problem ?? '' }));
    return news.map(({ step, problem }) => ({
      step,
      text: `checkpoint of step ${step} is damaged: ${problem}; ${whatIsLeft(rows)}`,
    }));
  }
}

function whatIsLeft(rows: readonly CheckpointRow[]): string {
  const good = rows.filter(isGood);
  const valid = good.find(row => row.state === 'valid');
  if (valid) return `the newest valid one is of step ${valid.step}`;
  const [newest] = good;
  if (newest) return `the newest that is left is of step ${newest.step}, not verified yet`;
  return 'none is left that could be loaded';
}
