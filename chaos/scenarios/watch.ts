/** Follows a run, does to it what the method says, and keeps what is seen. */
import { follow, type Moment } from '../../src/client/follow.ts';
import { keepSupervisor } from '../../src/client/keep-supervisor.ts';
import type { RunningJob } from '../../src/runtime/job.ts';
import type { Replica } from '../../src/runtime/replica.ts';
import { FtcError } from '../../src/errors.ts';
import { hasEnded } from '../../src/protocol/job-state.ts';
import type { Status } from '../../src/api/status.ts';
import { now } from '../../src/shared/clock.ts';
import { duration } from '../../src/shared/duration.ts';
import { Scaler } from '../../src/trial/scaler.ts';
import type { Evidence } from '../evidence/evidence.ts';
import { Recorder } from '../evidence/recorder.ts';
import type { World } from '../faults/fault.ts';
import { Session } from '../session.ts';
import { watchWriting, type Writing } from '../writing.ts';
import { Breaker } from './breaker.ts';
import type { Entry } from './method.ts';
import { Rollbacks } from './rollbacks.ts';
import type { Scenario } from './scenario.ts';

export interface WatchOptions {
  readonly job: RunningJob;
  readonly world: World;
  readonly scenario: Pick<Scenario, 'rollbacks' | 'atOnce' | 'minInterval'>;
  readonly entries: readonly Entry[];
  readonly standbys: number;
  readonly seed: number;
  /** What the person typed. */
  readonly command: string;
  /** Without a step, or anything else that moves, for so long it is given up. Milliseconds. */
  readonly giveUpMs: number;
  /** No fault begins after it, milliseconds since the epoch; null for as long as the job runs. */
  readonly deadline: number | null;
  readonly signal: AbortSignal;
  /** After every look; often. */
  readonly onLook: (recorder: Recorder) => void;
}

const EVERY_MS = 50;
/** Where a moment is waited for that may be short. */
const CLOSELY_MS = 15;
const CONTAINERS_EVERY_MS = 400;
const KEEP_EVERY_MS = 1_500;

/** Until the job has ended, is given up, or `signal` aborts. Nothing of any fault is in force then. */
export async function watch(o: WatchOptions): Promise<Evidence> {
  const session = await Session.open({
    world: o.world,
    project: o.job.name,
    folders: [o.job.directory ?? process.cwd(), process.cwd()],
    command: o.command,
  });
  const done = new AbortController();
  const run = new Run(o, session, done.signal);
  try {
    const gaveUp = await run.follow().catch(lostSight);
    return await run.evidence(gaveUp);
  } finally {
    done.abort();
    await run.ended;
    await session.close();
  }
}

class Run {
  readonly #o: WatchOptions;
  readonly #recorder = new Recorder(now());
  readonly #breaker: Breaker;
  readonly #rollbacks: Rollbacks;
  readonly #scaler: Scaler;
  readonly #writing: Writing | null;
  #master: Replica | null = null;
  #moved = { at: now(), mark: '' };
  #listing: Promise<void> | null = null;
  #listedAt = 0;
  #keptAt = now();

  constructor(o: WatchOptions, session: Session, ended: AbortSignal) {
    const { job, standbys, signal, world, scenario } = o;
    this.#o = o;
    this.#scaler = new Scaler(job, standbys, signal);
    const shared = { recorder: this.#recorder, scaler: this.#scaler, hands: world.hands };
    this.#breaker = new Breaker({ ...o, ...shared, session, limits: scenario, project: job.name });
    const closely = o.entries.some(
      ({ timing }) => 'when' in timing && 'phase' in timing.when && timing.when.phase === 'checkpoint',
    );
    this.#writing = closely ? watchWriting(world.faults, () => Promise.resolve(this.#master), ended) : null;
    this.#rollbacks = new Rollbacks({ ...shared, breaker: this.#breaker }, scenario.rollbacks);
  }

  /** @returns why it was given up; null where the job ended, or nobody wants to see more */
  async follow(): Promise<string | null> {
    const { job, entries, giveUpMs, signal, onLook } = this.#o;
    const closely = entries.some(e => 'when' in e.timing);
    for await (const moment of follow(job, {
      everyMs: closely ? CLOSELY_MS : EVERY_MS,
      patienceMs: giveUpMs,
      signal,
    })) {
      const at = now();
      this.#recorder.look(at, moment);
      this.#list(at);
      onLook(this.#recorder);
      if (moment.status && hasEnded(moment.status.state)) return null;
      const still = this.#stillFor(at, moment);
      if (still > giveUpMs) return stuck(still, moment.status);
      this.#breaker.look(moment.status, this.#isWriting(moment.status));
      this.#rollbacks.look(moment.status, this.#breaker);
      this.#keep(at);
    }
    return null;
  }

  async evidence(gaveUp: string | null): Promise<Evidence> {
    await this.#breaker.close();
    await this.#rollbacks.close();
    await this.#listing;
    const missed = [...this.#breaker.missed()];
    if (gaveUp === null && !this.#o.signal.aborted) {
      const failed = (error: Error): void =>
        void missed.push({ text: 'scale', why: error.message, drawn: false });
      await this.#scaler.settled().catch(failed);
    }
    const { world } = this.#o;
    const containers = await world.hands.list().catch(() => []);
    this.#recorder.containers(now(), containers);
    return this.#recorder.evidence(missed, gaveUp);
  }

  /** Nothing of what it started in a container is left; some time after the signal. */
  get ended(): Promise<void> {
    return this.#writing?.ended ?? Promise.resolve();
  }

  /** How long nothing has moved: no step, no generation, no state of the job or of a worker. */
  #stillFor(at: number, { status }: Moment): number {
    const mark = status ? markOf(status) : this.#moved.mark;
    if (mark !== this.#moved.mark) this.#moved = { at, mark };
    return at - this.#moved.at;
  }

  /** In the background: an engine that is busy must not hold up the looks. */
  #list(at: number): void {
    if (this.#listing || at - this.#listedAt < CONTAINERS_EVERY_MS) return;
    this.#listedAt = at;
    const { world } = this.#o;
    this.#listing = world.hands.list().then(
      containers => {
        this.#recorder.containers(now(), containers);
        this.#listing = null;
        this.#master = containers.find(c => c.role === 'master' && c.state === 'running') ?? null;
      },
      () => {
        this.#listing = null;
      },
    );
  }

  #isWriting(status: Status | null): boolean {
    return status?.state === 'running' && (this.#writing?.now() ?? false);
  }

  /** Nobody supervises the supervisor; who watches does, unless that is what the scenario is about. */
  #keep(at: number): void {
    if (at - this.#keptAt < KEEP_EVERY_MS) return;
    this.#keptAt = at;
    if (this.#breaker.holdsDown('supervisor') || this.#rollbacks.willStart('supervisor')) return;
    void keepSupervisor(this.#o.world.hands).catch(() => false);
  }
}

/** The containers are gone, or the engine is. @throws what is a defect of ours */
function lostSight(error: unknown): string {
  if (error instanceof FtcError) return error.message;
  throw error;
}

function stuck(ms: number, status: Status | null): string {
  const who = status?.workers.map(w => `${w.container ?? w.id} ${w.phase ?? w.state}`).join(', ');
  const where = status?.step == null ? '' : ` after step ${status.step}`;
  return `nothing moved for ${duration(ms)}${where} (${who ?? 'the master does not answer'})`;
}

/** What changes whenever a job moves. A standby's part in it counts, too: a job may wait for workers that only start. */
function markOf({ state, generation, step, workers }: Status): string {
  return JSON.stringify([state, generation, step, workers.map(({ id, state, role }) => [id, state, role])]);
}
