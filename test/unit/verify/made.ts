/** Statuses, recoveries and faults for the tests, with only what matters to them said. */
import type { Hit } from '../../../chaos/faults/fault.ts';
import type { Act } from '../../../chaos/plan.ts';
import type { Recovery, Status } from '../../../src/api/status.ts';
import { noChecks } from '../../../src/api/replicas.ts';
import { applied, type Applied } from '../../../src/verify/applied.ts';

export const recovery = (more: Partial<Recovery>): Recovery => ({
  generation: 2,
  cause: 'link closed',
  causes: ['link-closed'],
  lost: ['a'],
  lostRanks: [0],
  atStep: 10,
  resumedStep: 11,
  stepsLost: 0,
  resumedMs: 100,
  wholeMs: 200,
  at: 1000,
  ...more,
});

type Row = readonly [id: string, rank: number | null, step: number | null];

export const status = (more: Partial<Status>, rows: readonly Row[] = []): Status =>
  ({
    state: 'running',
    generation: 1,
    worldSize: rows.filter(([, rank]) => rank !== null).length,
    target: rows.filter(([, rank]) => rank !== null).length,
    step: 10,
    totalSteps: 100,
    finalDigest: null,
    recoveries: [],
    replicas: noChecks,
    workers: rows.map(([id, rank, step]) => ({ id, rank, step, restarts: 1 })),
    ...more,
  }) as unknown as Status;

export const hit = (id: string, rank: number | null = 0, role: Hit['role'] = 'worker'): Hit => ({
  container: { id, hostname: id, name: `job-${id}` } as Hit['container'],
  role,
  rank,
});

export const fault = (act: Partial<Act>, hits: Hit[] = [hit('a')]): Applied =>
  applied(
    { kind: 'fault', fault: 'kill', target: 'worker', rank: null, params: {}, forMs: null, ...act } as Act,
    1000,
    500,
    10,
    hits,
  );
