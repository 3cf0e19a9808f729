/** Keeps what is seen of a run, look by look. Without I/O: it is told everything, the time included. */
import type { Moment } from '../../src/client/follow.ts';
import type { Replica } from '../../src/runtime/replica.ts';
import { countsOf, noCounts } from '../../src/api/replicas.ts';
import type { JobEvent } from '../../src/api/event.ts';
import type { Status } from '../../src/api/status.ts';
import { holdersOf, merge, remember, type Holders } from './holders.ts';
import { checkpointOf } from './checkpoints.ts';
import type { Evidence, Lane, SeenFault } from './evidence.ts';
import { extend } from './lanes.ts';

/** Enough for a person; a job that does nothing but break must not fill the report. */
const MOST_EVENTS = 1_000;

export class Recorder {
  readonly #e: Evidence;
  readonly #lanes = new Map<string, Lane>();
  readonly #startedAt = new Map<string, number>();
  readonly #names = new Set<string>();
  #holders: Holders[] = [];
  #status: Status | null = null;

  /** @param origin when the watch begins, milliseconds since the epoch, as is every `now` */
  constructor(origin: number) {
    this.#e = {
      origin,
      firstStep: null,
      end: 0,
      state: null,
      reason: null,
      traceback: null,
      digest: null,
      totalSteps: null,
      target: null,
      steps: [],
      generations: [],
      lanes: [],
      faults: [],
      missed: [],
      recoveries: [],
      replicas: noCounts,
      holders: [],
      starts: [],
      checkpoints: [],
      events: [],
      rollbacks: [],
      gaveUp: null,
    };
  }

  /** The last that the master told. */
  get status(): Status | null {
    return this.#status;
  }

  /** As it grows; without lanes and holders, which {@link evidence} has. */
  get soFar(): Readonly<Omit<Evidence, 'lanes' | 'holders'>> {
    return this.#e;
  }

  /** Milliseconds since the watch began. */
  since(now: number): number {
    return Math.max(0, Math.round(now - this.#e.origin));
  }

  look(now: number, { status, events }: Moment): void {
    const e = this.#e;
    const at = this.since(now);
    e.end = at;
    this.#step(at, status ? (status.step ?? 0) : null);
    extend(this.#lanes, at, status?.workers ?? null);
    for (const event of events) {
      const when = this.since(event.at);
      const checkpoint = checkpointOf(event, when);
      if (checkpoint) e.checkpoints.push(checkpoint);
      else if (e.events.length < MOST_EVENTS) e.events.push(seenEvent(event, when));
    }
    if (!status) return;
    this.#status = status;
    Object.assign(e, {
      state: status.state,
      reason: status.reason,
      traceback: status.traceback,
      digest: status.finalDigest,
      totalSteps: status.totalSteps ?? e.totalSteps,
      target: status.target,
      replicas: countsOf(status),
    });
    const { generation, worldSize } = status;
    const last = e.generations.at(-1);
    if (worldSize > 0 && (last?.generation !== generation || last.worldSize !== worldSize))
      e.generations.push({ at, generation, worldSize });
    e.recoveries = merge(e.recoveries, status.recoveries);
    this.#holders = remember(this.#holders, holdersOf(status));
  }

  /** A container that runs, and did not when it was last looked at, has begun to. */
  containers(now: number, containers: readonly Replica[]): void {
    for (const { id, name: container, role, state, startedAt } of containers) {
      if (startedAt === null || (state !== 'running' && state !== 'paused')) continue;
      const before = this.#startedAt.get(id);
      this.#startedAt.set(id, startedAt);
      if (before === startedAt) continue;
      const at = this.since(before === undefined && !this.#names.has(container) ? now : startedAt);
      this.#e.starts.push({ at, container, role, again: this.#names.has(container) });
      this.#names.add(container);
    }
  }

  fault(fault: SeenFault): SeenFault {
    this.#e.faults.push(fault);
    return fault;
  }

  rolledBack(now: number, text: string, error: string | null): void {
    this.#e.rollbacks.push({ at: this.since(now), text, error });
  }

  /** What is known up to now; a copy of its own. */
  evidence(missed: Evidence['missed'], gaveUp: string | null): Evidence {
    const lanes = [...this.#lanes.values()];
    const holders = this.#holders.map(({ generation, ids }) => ({ generation, ids: [...ids] }));
    return structuredClone({ ...this.#e, lanes, holders, missed: [...missed], gaveUp });
  }

  #step(at: number, step: number | null): void {
    const { steps } = this.#e;
    if (steps.at(-1)?.[1] !== step || steps.length === 0) steps.push([at, step]);
    if (step !== null && step > 0) this.#e.firstStep ??= at;
  }
}

const seenEvent = ({ level, kind, text, step }: JobEvent, at: number): Evidence['events'][number] => ({
  at,
  level,
  kind,
  text,
  step,
});
