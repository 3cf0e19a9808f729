/** One run of a verification: follows a job that was started, breaks it as planned, and keeps what happened. */
import { apply } from '../../chaos/apply.ts';
import type { Infliction } from '../../chaos/infliction.ts';
import type { Planned } from '../../chaos/plan.ts';
import { begin, due, fire, missed, targetSeed, type Ledger, type Progress } from '../../chaos/schedule.ts';
import { Session } from '../../chaos/session.ts';
import { createWorld } from '../../chaos/world.ts';
import { follow } from '../client/follow.ts';
import { keepSupervisor } from '../client/keep-supervisor.ts';
import type { RunningJob } from '../runtime/job.ts';
import { hasEnded } from '../protocol/job-state.ts';
import type { Recovery, Status } from '../api/status.ts';
import { FtcError } from '../errors.ts';
import { now } from '../shared/clock.ts';
import { duration } from '../shared/duration.ts';
import { Scaler } from '../trial/scaler.ts';
import { applied, nextAt, observe, type Applied } from './applied.ts';
import { holdersOf, merge, remember, type Holders } from '../../chaos/evidence/holders.ts';

export interface RunOptions {
  readonly job: RunningJob;
  readonly standbys: number;
  readonly plan: readonly Planned[];
  readonly seed: number;
  /** A run without a step for so long stands still, which is a finding; null waits forever. */
  readonly stallMs: number | null;
  readonly signal: AbortSignal;
  /** After every look; often. `status` is null while the master does not answer. */
  readonly onLook: (status: Status | null, faults: readonly Applied[]) => void;
}

export interface RunRecord {
  /** The job's last word. */
  readonly status: Status;
  readonly faults: readonly Applied[];
  /** Planned faults that never came. */
  readonly missed: readonly Planned[];
  readonly recoveries: readonly Recovery[];
  readonly holders: readonly Holders[];
  /** From the first step seen to the end of the job, milliseconds. */
  readonly trainingMs: number;
}

const EVERY_MS = 50;
const KEEP_EVERY_MS = 1_000;
const PATIENCE_MS = 120_000;

/** Until the job has ended, however. @throws FtcError when it cannot be followed or stands still; AbortError when `signal` aborts */
export async function followRun(o: RunOptions): Promise<RunRecord> {
  const session = await Session.open({
    world: createWorld(o.job, () => undefined),
    project: o.job.name,
    folders: [o.job.directory ?? process.cwd(), process.cwd()],
    command: 'ftc verify',
  });
  try {
    return await follows(o, new Run(o, session));
  } finally {
    await session.close();
  }
}

async function follows(o: RunOptions, run: Run): Promise<RunRecord> {
  let keptAt = performance.now();
  const { job, signal } = o;
  for await (const { status } of follow(job, {
    everyMs: EVERY_MS,
    patienceMs: PATIENCE_MS,
    signal,
  })) {
    await run.look(status);
    o.onLook(status, run.faults);
    if (status && hasEnded(status.state)) return run.record(status);
    run.refuseStall(status);
    if (performance.now() - keptAt < KEEP_EVERY_MS) continue;
    keptAt = performance.now();
    await keepSupervisor(job.hands).catch(() => false);
  }
  throw signal.reason;
}

class Run {
  readonly faults: Applied[] = [];
  readonly #o: RunOptions;
  #ledger: Ledger;
  #recoveries: Recovery[] = [];
  #holders: Holders[] = [];
  #startedAt: number | null = null;
  #steps = 0;
  #lastStep: number | null = null;
  #steppedAt = performance.now();
  readonly #session: Session;
  #inForce: Infliction[] = [];
  readonly #scaler: Scaler;

  constructor(o: RunOptions, session: Session) {
    this.#o = o;
    this.#session = session;
    this.#ledger = begin(o.plan);
    this.#scaler = new Scaler(o.job, o.standbys, o.signal);
  }

  async look(status: Status | null): Promise<void> {
    if (status) {
      this.#recoveries = merge(this.#recoveries, status.recoveries);
      this.#holders = remember(this.#holders, holdersOf(status));
      // Steps that are done again are progress too, and so is all that comes after the loop.
      if (status.step !== this.#lastStep || status.state === 'finishing') this.#steppedAt = performance.now();
      this.#lastStep = status.step;
      this.#steps = Math.max(this.#steps, status.step ?? 0);
      if (this.#steps > 0) this.#startedAt ??= now();
    }
    for (const fault of this.faults)
      observe(fault, status, this.#recoveries, now(), nextAt(fault, this.faults));
    if (status?.state === 'running' && this.#startedAt !== null) await this.#applyDue(status);
  }

  async record(status: Status): Promise<RunRecord> {
    await this.#scaler.settled();
    await Promise.all(this.#inForce.map(i => i.revert()));
    return {
      status,
      faults: this.faults,
      missed: missed(this.#o.plan, this.#ledger).flatMap(i => this.#o.plan[i] ?? []),
      recoveries: this.#recoveries,
      holders: this.#holders,
      trainingMs: Math.round(now() - (this.#startedAt ?? now())),
    };
  }

  /** @throws FtcError FTC_NOT_VERIFIED */
  refuseStall(status: Status | null): void {
    const { stallMs, job } = this.#o;
    const since = performance.now() - this.#steppedAt;
    if (stallMs === null || this.#startedAt === null || since < stallMs) return;
    const who = status?.workers.map(w => `${w.container ?? w.id} ${w.phase ?? w.state}`).join(', ');
    throw new FtcError(
      'FTC_NOT_VERIFIED',
      `${job.name} stands still: no step for ${duration(since)} after step ${this.#steps} (${who ?? 'the master does not answer'})`,
      {
        hint: 'A defect of ours: please report it with the logs, which --keep leaves there ("ftc logs --name …").',
      },
    );
  }

  #progress(): Progress {
    return { steps: this.#steps, ms: now() - (this.#startedAt ?? now()) };
  }

  async #applyDue(status: Status): Promise<void> {
    const { plan, seed, job } = this.#o;
    for (const index of due(plan, this.#ledger, this.#progress())) {
      const act = plan[index]?.act;
      if (!act) continue;
      const at = now();
      const progress = this.#progress();
      const choice = targetSeed(seed, index, this.#ledger[index]?.times ?? 0);
      const infliction =
        act.kind === 'scale' ? null : await apply(job.hands, this.#session, act, status, choice);
      if (act.kind === 'fault' && infliction === null) continue;
      this.#ledger = fire(this.#ledger, index, progress);
      const fault = applied(act, at, Math.round(progress.ms), status.step ?? 0, infliction?.hits ?? []);
      this.faults.push(fault);
      if (act.kind === 'scale') this.#scaler.scale(act.workers);
      if (infliction) {
        this.#inForce.push(infliction);
        void infliction.over.then(() => (fault.reverted = true));
      }
      // What the master said before this fault is no ground for choosing the next one's target.
      return;
    }
  }
}
