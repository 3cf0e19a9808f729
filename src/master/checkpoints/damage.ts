/** Checkpoints that turn out to be damaged, each told once. */
import type { FactOf } from '../../api/fact.ts';
import { type CheckpointRow, isGood } from '../../api/checkpoint-row.ts';
import type { CheckpointStatus } from '../../api/checkpoint-status.ts';

export class Damage {
  #told = new Set<string>();
  #now: CheckpointStatus['damaged'] = [];

  /** Newest first. */
  get damaged(): CheckpointStatus['damaged'] {
    return this.#now;
  }

  /** Takes what is there now; returns those that were not told yet. */
  see(rows: readonly CheckpointRow[]): Omit<FactOf<'checkpoint-damaged'>, 'copied'>[] {
    const bad = rows.filter(row => row.state === 'damaged');
    const key = (row: CheckpointRow): string => `${row.name} ${row.problem}`;
    const news = bad.filter(row => !this.#told.has(key(row)));
    this.#told = new Set(bad.map(key));
    this.#now = bad.map(({ step, problem }) => ({ step, problem: problem ?? '' }));
    const left = newest(rows);
    return news.map(({ step, problem }) => ({
      ...{ what: 'checkpoint-damaged', step, problem: problem ?? '', left },
    }));
  }
}

/** The newest valid one that is left, or else the newest that is not verified yet. */
function newest(rows: readonly CheckpointRow[]): FactOf<'checkpoint-damaged'>['left'] {
  const good = rows.filter(isGood);
  const row = good.find(one => one.state === 'valid') ?? good[0];
  return row === undefined ? null : { step: row.step, verified: row.state === 'valid' };
}
