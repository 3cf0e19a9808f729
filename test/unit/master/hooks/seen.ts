/** A job's status, with only what matters to a test said. */
import type { Recovery, Status } from '../../../../src/api/status.ts';
import { Status as StatusSchema } from '../../../../src/api/status.ts';

export const status = (more: Partial<Status> = {}): Status =>
  StatusSchema.parse({
    job: 'mine',
    project: 'mine',
    state: 'running',
    reason: null,
    traceback: null,
    generation: 3,
    worldSize: 3,
    target: 3,
    step: 120,
    totalSteps: 500,
    epoch: 0,
    loss: 0.5,
    samplesPerSecond: null,
    etaSeconds: null,
    finalDigest: null,
    metrics: {},
    workers: [],
    recoveries: [],
    ...more,
  });

export const recovery = (at: number, more: Partial<Recovery> = {}): Recovery => ({
  generation: 4,
  cause: 'link closed',
  causes: ['link-closed'],
  lost: ['a'],
  lostRanks: [1],
  atStep: 119,
  resumedStep: 121,
  stepsLost: 0,
  resumedMs: 410,
  wholeMs: null,
  at,
  ...more,
});
