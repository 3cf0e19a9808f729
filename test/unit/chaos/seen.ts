/** Evidence for the tests, with only what matters to them said. */
import type { Evidence, Lane, SeenFault } from '../../../chaos/evidence/evidence.ts';
import { noCounts } from '../../../src/api/replicas.ts';

export const evidence = (more: Partial<Evidence> = {}): Evidence => ({
  origin: 1_000_000,
  firstStep: 1_000,
  end: 20_000,
  state: 'succeeded',
  reason: null,
  traceback: null,
  digest: 'a'.repeat(64),
  totalSteps: 100,
  target: 3,
  steps: [
    [0, 0],
    [1_000, 1],
    [19_000, 100],
  ],
  generations: [{ at: 900, generation: 1, worldSize: 3 }],
  lanes: [],
  faults: [seenFault()],
  missed: [],
  recoveries: [],
  holders: [{ generation: 1, ids: ['a', 'b', 'c'] }],
  starts: [],
  checkpoints: [],
  replicas: noCounts,
  events: [],
  rollbacks: [],
  gaveUp: null,
  ...more,
});

export const seenFault = (more: Partial<SeenFault> = {}): SeenFault => ({
  fault: 'kill',
  text: 'kill rank 0',
  entry: 0,
  asked: 4_000,
  at: 4_010,
  until: 4_010,
  step: 20,
  hits: [{ container: 'job-worker-1', id: 'a', role: 'worker', rank: 0 }],
  notes: [],
  data: [{}],
  drawn: false,
  ...more,
});

export const lane = (id: string, ...doing: Lane['spans'][number]['doing'][]): Lane => ({
  id,
  container: `job-${id}`,
  spans: doing.map((d, i) => ({ from: i * 1_000, to: (i + 1) * 1_000, doing: d })),
});
