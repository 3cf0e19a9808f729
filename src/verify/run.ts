/** One run of a verification: follows a job that was started, breaks it as planned, and keeps what happened. */
import { setTimeout as sleep } from 'node:timers/promises';
import { apply, revert } from '../../chaos/apply.ts';
import type { Planned } from '../../chaos/plan.ts';
import { begin, due, fire, missed, targetSeed, type Ledger, type Progress } from '../../chaos/schedule.ts';
import { follow } from '../client/follow.ts';
import { keepSupervisor } from '../client/keep-supervisor.ts';
import type { Compose, ComposeProject } from '../docker/compose.ts';
import type { Connection } from '../docker/connect.ts';
import { hasEnded, type Recovery, type Status } from '../master/status.ts';
import { now } from '../shared/clock.ts';
import { applied, nextAt, observe, type Applied } from './applied.ts';
import { holdersOf, merge, remember, type Holders } from './evidence.ts';

export interface RunOptions {
  readonly connection: Connection;
  readonly compose: Compose;
  readonly project: ComposeProject;
  readonly standbys: number;
  readonly plan: readonly Planned[];
  readonly seed: number;
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

/** Until the job has ended, however. @throws FtcError when it cannot be followed; AbortError when `signal` aborts */
export async function followRun(o: RunOptions): Promise<RunRecord> {
  const run = new Run(o);
  let keptAt = performance.now();
  const { connection, project, signal } = o;
  for await (const { status } of follow(connection, project.name, {
    everyMs: EVERY_MS,
    patienceMs: PATIENCE_MS,
    signal,
  })) {
    await run.look(status);
    o.onLook(status, run.faults);
    if (status && hasEnded(status.state)) return run.record(status);
    if (performance.now() - keptAt < KEEP_EVERY_MS) continue;
    keptAt = performance.now();
    await keepSupervisor(connection.engine, project.name).catch(() => false);
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
  #reverts: { readonly at: number; readonly fault: Applied }[] = [];
  #scaling: Promise<void> = Promise.resolve();

  constructor(o: RunOptions) {
    this.#o = o;
    this.#ledger = begin(o.plan);
  }

  async look(status: Status | null): Promise<void> {
    if (status) {
      this.#recoveries = merge(this.#recoveries, status.recoveries);
      this.#holders = remember(this.#holders, holdersOf(status));
      this.#steps = Math.max(this.#steps, status.step ?? 0);
      if (this.#steps > 0) this.#startedAt ??= now();
    }
    for (const fault of this.faults)
      observe(fault, status, this.#recoveries, now(), nextAt(fault, this.faults));
    await this.#revertDue();
    if (status?.state === 'running' && this.#startedAt !== null) await this.#applyDue(status);
  }

  async record(status: Status): Promise<RunRecord> {
    await this.#scaling;
    return {
      status,
      faults: this.faults,
      missed: missed(this.#o.plan, this.#ledger).flatMap(i => this.#o.plan[i] ?? []),
      recoveries: this.#recoveries,
      holders: this.#holders,
      trainingMs: Math.round(now() - (this.#startedAt ?? now())),
    };
  }

  #progress(): Progress {
    return { steps: this.#steps, ms: now() - (this.#startedAt ?? now()) };
  }

  async #applyDue(status: Status): Promise<void> {
    const { plan, connection, seed } = this.#o;
    for (const index of due(plan, this.#ledger, this.#progress())) {
      const act = plan[index]?.act;
      if (!act) continue;
      const at = now();
      const progress = this.#progress();
      const choice = targetSeed(seed, index, this.#ledger[index]?.times ?? 0);
      const hits = act.kind === 'scale' ? [] : await apply(connection, act, status, choice);
      if (hits === null) continue;
      this.#ledger = fire(this.#ledger, index, progress);
      const fault = applied(act, at, Math.round(progress.ms), status.step ?? 0, hits);
      this.faults.push(fault);
      if (act.kind === 'scale') this.#scale(act.workers);
      else if (act.forMs !== null) this.#reverts.push({ at: at + act.forMs, fault });
      // What the master said before this fault is no ground for choosing the next one's target.
      return;
    }
  }

  async #revertDue(): Promise<void> {
    const ready = this.#reverts.filter(r => r.at <= now());
    this.#reverts = this.#reverts.filter(r => !ready.includes(r));
    for (const { fault } of ready) {
      if (fault.act.kind !== 'scale') await revert(this.#o.connection, fault.act, fault.hits);
      fault.reverted = true;
    }
  }

  /** One after the other, while the run is followed. */
  #scale(workers: number): void {
    const { compose, project, standbys, signal } = this.#o;
    this.#scaling = this.#scaling
      .then(() => compose.up(project, { workers: workers + standbys, recreate: false, signal }))
      .catch(async (error: unknown) => {
        // Compose trips over containers that die under its hands: once more, when they are back.
        if (signal.aborted) throw error;
        await sleep(1000, undefined, { signal });
        await compose.up(project, { workers: workers + standbys, recreate: false, signal });
      });
    // It is waited for at the end; until then a failure is nobody's surprise.
    this.#scaling.catch(() => undefined);
  }
}
