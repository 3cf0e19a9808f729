/** Carries out a method: one entry after the other, as soon as its time has come and somebody is there whom it is for. */
import type { Hands } from '../../src/runtime/hands.ts';
import { FtcError } from '../../src/errors.ts';
import type { Status } from '../../src/api/status.ts';
import { now } from '../../src/shared/clock.ts';
import type { Scaler } from '../../src/trial/scaler.ts';
import type { Evidence, SeenFault } from '../evidence/evidence.ts';
import type { Recorder } from '../evidence/recorder.ts';
import type { Hit } from '../faults/fault.ts';
import { faultNamed } from '../faults/index.ts';
import type { Infliction } from '../infliction.ts';
import type { FaultAct } from '../plan.ts';
import { fire, targetSeed, type Ledger, type Progress } from '../schedule.ts';
import { choose, everybody } from '../select.ts';
import type { Session } from '../session.ts';
import type { Look } from '../when.ts';
import { describeDeed, describeTiming, type Deed, type Entry } from './method.ts';
import { beginOf, isThrough, missedOf, next, timesOf, type Limits } from './next.ts';

export interface BreakerOptions {
  readonly hands: Hands;
  readonly session: Session;
  readonly recorder: Recorder;
  readonly scaler: Scaler;
  readonly project: string;
  readonly entries: readonly Entry[];
  readonly limits: Limits;
  readonly seed: number;
  /** No fault begins after it, milliseconds since the epoch; null for as long as the job runs. */
  readonly deadline: number | null;
}

/** Between two tries of what comes to nothing. */
const AGAIN_MS = 500;

interface InForce {
  readonly infliction: Infliction;
  readonly seen: SeenFault;
}

export class Breaker {
  readonly #o: BreakerOptions;
  readonly #inForce = new Set<InForce>();
  #ledger: Ledger;
  #before: Look | null = null;
  #firstStepAt: number | null = null;
  #steps = 0;
  #lastAt: number | null = null;
  #trying: Promise<void> | null = null;
  /** A defect of ours, for whoever closes this. */
  #failure: { readonly error: unknown } | null = null;
  /** Entries that will not come about however often they are tried. */
  readonly #cannot = new Set<number>();
  /** Asking the engine again and again for somebody who is not there would keep it from starting him. Since the epoch. */
  readonly #notBefore = new Map<number, number>();
  /** Why the last try of an entry came to nothing. */
  readonly #why = new Map<number, string>();

  constructor(o: BreakerOptions) {
    this.#o = o;
    this.#ledger = beginOf(o.entries);
  }

  /** Everything has been done that was to be done. */
  get isThrough(): boolean {
    return this.#trying === null && isThrough(this.#o.entries, this.#ledger);
  }

  get isQuiet(): boolean {
    return this.#inForce.size === 0;
  }

  /** A fault that is in force has hit one of these. */
  holdsDown(role: Hit['role']): boolean {
    return [...this.#inForce].some(f => f.infliction.hits.some(h => h.role === role));
  }

  /** Begins what is due, and does not wait for it. */
  look(status: Status | null, writing: boolean): void {
    if (!status) return;
    const before = this.#before;
    const look = { status, writing };
    this.#before = look;
    this.#steps = Math.max(this.#steps, status.step ?? 0);
    if (this.#steps > 0) this.#firstStepAt ??= now();
    // A job that waits for its workers can still be hit.
    const open = status.state === 'running' || status.state === 'waiting';
    if (!open || this.#firstStepAt === null || this.#trying || this.#isLate()) return;
    const { entries, limits } = this.#o;
    const came = next(
      entries,
      this.#ledger,
      {
        progress: this.#progress(),
        before,
        look,
        inForce: this.#inForce.size,
        sinceLast: this.#lastAt === null ? null : now() - this.#lastAt,
      },
      limits,
    );
    const due = came.filter(
      index => !this.#cannot.has(index) && now() >= (this.#notBefore.get(index) ?? -Infinity),
    );
    if (due.length === 0) return;
    this.#trying = this.#tryOne(due, status).then(
      () => {
        this.#trying = null;
      },
      // No other try: this run is over, whatever else happens in it.
      (error: unknown) => {
        this.#failure = { error };
      },
    );
  }

  /** Undoes what is in force. */
  async heal(): Promise<void> {
    await Promise.all([...this.#inForce].map(f => f.infliction.revert()));
  }

  async close(): Promise<void> {
    await this.#trying;
    await this.heal();
    if (this.#failure) throw this.#failure.error;
  }

  missed(): Evidence['missed'] {
    if (this.#isLate()) return [];
    return missedOf(this.#o.entries, this.#ledger).map(({ entry, times }) => ({
      text: `${describeDeed(entry.deed)} ${describeTiming(entry.timing)}${times > 1 ? ` (${times} times)` : ''}`,
      why: this.#why.get(this.#o.entries.indexOf(entry)) ?? 'the job ended before',
      drawn: entry.drawn,
    }));
  }

  #isLate(): boolean {
    return now() > (this.#o.deadline ?? Infinity);
  }

  #progress(): Progress {
    return { steps: this.#steps, ms: now() - (this.#firstStepAt ?? now()) };
  }

  /** The first that can be done; what the master said before it is no ground for choosing the next one's target. */
  async #tryOne(due: readonly number[], status: Status): Promise<void> {
    for (const index of due) {
      const entry = this.#o.entries[index];
      if (entry && (await this.#try(entry, index, status))) return;
    }
  }

  async #try({ deed, timing, drawn }: Entry, index: number, status: Status): Promise<boolean> {
    const { recorder, scaler, seed } = this.#o;
    const asked = now();
    const progress = this.#progress();
    const choice = targetSeed(seed, index, timesOf(this.#ledger, index));
    const about = { entry: index, drawn, asked: recorder.since(asked), step: status.step ?? 0 };
    if (deed.kind === 'scale') {
      const data = [{ containers: scaler.scale(deed.workers) }];
      const text = describeDeed(deed);
      const at = about.asked;
      recorder.fault({ ...about, fault: 'scale', text, at, until: at, hits: [], notes: [], data });
    } else {
      const phases = 'when' in timing && 'phase' in timing.when ? [timing.when.phase] : undefined;
      const infliction = await this.#inflict(deed, index, status, choice, phases);
      if (!infliction) return false;
      this.#track(infliction, recorder.fault(seenFault(infliction, deed, about, recorder)));
    }
    this.#ledger = fire(this.#ledger, index, progress);
    this.#lastAt = asked;
    return true;
  }

  async #inflict(
    deed: Deed & FaultAct,
    index: number,
    status: Status,
    seed: number,
    phases: Parameters<typeof choose>[0]['phases'],
  ): Promise<Infliction | null> {
    const { hands, session, project } = this.#o;
    const { target, rank, count, percent, params, forMs } = deed;
    try {
      const job = everybody(await hands.list(), project, status);
      // A worker that only starts is no worker that trains.
      const pool = target === 'worker' ? job.filter(h => h.role !== 'worker' || h.rank !== null) : job;
      const wish = {
        target,
        seed,
        spare: rank === null,
        ranks: rank === null ? undefined : [rank],
        count: count ?? undefined,
        percent: percent ?? undefined,
        phases,
      };
      const hits = choose(wish, pool, status);
      return await session.inflict({ fault: faultNamed(deed.fault), params, hits, job, forMs, seed });
    } catch (error) {
      if (!(error instanceof FtcError)) throw error;
      this.#why.set(index, error.message);
      // A moment is over anyway.
      if (phases === undefined) this.#notBefore.set(index, now() + AGAIN_MS);
      if (error.code === 'FTC_CANNOT') this.#cannot.add(index);
      return null;
    }
  }

  #track(infliction: Infliction, seen: SeenFault): void {
    const { recorder } = this.#o;
    const one = { infliction, seen };
    this.#inForce.add(one);
    void infliction.over.then(() => {
      this.#inForce.delete(one);
      seen.until = infliction.lasts ? recorder.since(now()) : seen.at;
      seen.notes = [...infliction.notes];
    });
  }
}

function seenFault(
  { hits, records, order, at }: Infliction,
  deed: Deed,
  about: Pick<SeenFault, 'entry' | 'drawn' | 'asked' | 'step'>,
  recorder: Recorder,
): SeenFault {
  const [first] = hits;
  const one = hits.length === 1 && first?.rank != null && deed.kind === 'fault' && deed.target === 'worker';
  return {
    ...about,
    fault: order.fault.name,
    text: describeDeed(one ? { ...deed, rank: first.rank } : deed),
    at: recorder.since(at),
    until: null,
    hits: hits.map(({ container: c, role, rank }) => ({ container: c.name, id: c.hostname, role, rank })),
    notes: [],
    data: records.map(r => r.data as SeenFault['data'][number]),
  };
}
