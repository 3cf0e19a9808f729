import type { CheckpointRow } from '../../../src/api/checkpoint-row.ts';

/** A row as the catalogue makes it. */
export const rowOf = (step: number, more: Partial<CheckpointRow> = {}): CheckpointRow => ({
  step,
  name: `step-${step}`,
  generation: 1,
  createdAt: null,
  bytes: 3,
  state: 'unverified',
  checkedAt: null,
  problem: null,
  latest: false,
  pinned: false,
  metrics: {},
  score: null,
  best: false,
  ...more,
});
