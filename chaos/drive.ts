/** Breaks a job as a person asked for, once or again and again, and watches until it is whole. Says only what it saw. */
import { follow, type Moment } from '../src/client/follow.ts';
import { keepSupervisor } from '../src/client/keep-supervisor.ts';
import type { RunningJob } from '../src/runtime/job.ts';
import { FtcError } from '../src/errors.ts';
import { hasEnded } from '../src/protocol/job-state.ts';
import type { JobEvent } from '../src/api/event.ts';
import type { Status } from '../src/api/status.ts';
import type { Fault, Hit, Params } from './faults/fault.ts';
import type { Infliction } from './infliction.ts';
import { after, begin, decide, type Pace } from './pace.ts';
import { targetSeed } from './schedule.ts';
import { choose, everybody, type Wish } from './select.ts';
import type { Session } from './session.ts';
import { observe, type Strike, strikeOf } from './strike.ts';
import { isMet, type Look, type When } from './when.ts';

export interface DriveOptions {
  readonly job: RunningJob;
  readonly session: Session;
  readonly fault: Fault;
  readonly params: Params;
  readonly wish: Wish;
  readonly forMs: number | null;
  readonly pace: Pace;
  readonly when: When | null;
  /** How long to watch after the last one, and after what lasts is undone, milliseconds. */
  readonly watchMs: number;
  /** Events up to this number are old. */
  readonly after: number;
  readonly watcher: Watcher;
  /** Undoes what is in force and ends the watch. */
  readonly signal: AbortSignal;
  /** Says whether a checkpoint is being written. */
  readonly writing: () => boolean;
}

interface Watcher {
  hit(strike: Strike): void;
  undone(strike: Strike): void;
  events(events: readonly JobEvent[]): void;
}

interface Struck {
  readonly strike: Strike;
  readonly infliction: Infliction;
  readonly before: readonly Hit[];
  settled: boolean;
}

const EVERY_MS = 100;
/** Where a moment is waited for that may be short. */
const CLOSELY_MS = 15;
const KEEP_EVERY_MS = 2_000;

/** @throws FtcError FTC_NO_TARGET, FTC_CANNOT, FTC_NOT_RUNNING, FTC_MASTER_UNREACHABLE */
export async function drive(o: DriveOptions): Promise<Strike[]> {
  const run = new Drive(o);
  for await (const moment of follow(o.job, {
    everyMs: o.when === null ? EVERY_MS : CLOSELY_MS,
    patienceMs: Infinity,
    signal: o.signal,
    after: o.after,
  })) {
    if (moment.events.length > 0) o.watcher.events(moment.events);
    if (await run.look(moment)) break;
  }
  await run.undo();
  return run.strikes;
}

class Drive {
  readonly #o: DriveOptions;
  readonly #struck: Struck[] = [];
  readonly #startedAt = performance.now();
  #paced = begin;
  #before: Look | null = null;
  #lastAt = performance.now();
  #keptAt = performance.now();

  constructor(o: DriveOptions) {
    this.#o = o;
  }

  get strikes(): Strike[] {
    return this.#struck.map(s => s.strike);
  }

  /** True when there is nothing more to do or to see. */
  async look({ status }: Moment): Promise<boolean> {
    if (this.#struck.some(s => !s.infliction.isOver)) this.#lastAt = performance.now();
    await this.#observe(status);
    await this.#keep();
    if (status && hasEnded(status.state)) return true;
    const decision = this.#decide(status);
    if (decision === 'hit') await this.#hit(status);
    if (decision !== 'over') return false;
    return this.#struck.every(s => s.settled) || performance.now() - this.#lastAt > this.#o.watchMs;
  }

  async undo(): Promise<void> {
    await Promise.all(this.#struck.map(s => s.infliction.revert({ hurry: true })));
    for (const { strike, infliction } of this.#struck) {
      if (infliction.lasts && strike.undoneMs === null && !infliction.leftOpen) this.#undone(strike);
      strike.notes = infliction.notes;
      strike.leftOpen = infliction.leftOpen;
    }
  }

  async #observe(status: Status | null): Promise<void> {
    const open = this.#struck.filter(s => !s.settled);
    if (open.length === 0) return;
    const { job, watcher } = this.#o;
    const containers = await job.replicas().catch(() => null);
    if (!containers) return;
    for (const s of open) {
      const { order, leftOpen } = s.infliction;
      const isOver = s.infliction.isOver && !leftOpen;
      const undone = s.strike.undoneMs;
      const sight = { status, containers, isOver, ends: order.fault.ends ?? false, now: Date.now() };
      s.settled = observe(s.strike, s.before, sight);
      s.strike.notes = s.infliction.notes;
      if (undone === null && s.strike.undoneMs !== null) watcher.undone(s.strike);
    }
  }

  /** It is now, at the end or at Ctrl+C. */
  #undone(strike: Strike): void {
    strike.undoneMs = Math.round(Date.now() - strike.at);
    this.#o.watcher.undone(strike);
  }

  #decide(status: Status | null): 'hit' | 'wait' | 'over' {
    const { pace, when, wish, writing } = this.#o;
    const look = status === null ? null : { status, writing: writing() };
    const met = when === null || (look !== null && isMet(when, this.#before, look));
    this.#before = look ?? this.#before;
    const wanted = wish.ranks?.length ?? wish.count ?? 1;
    const now = performance.now() - this.#startedAt;
    return decide(pace, this.#paced, now, { inForce: this.#broken, wanted, met });
  }

  /** Containers that are broken at the moment. */
  get #broken(): number {
    return this.#struck.filter(s => !s.settled).reduce((sum, s) => sum + s.infliction.hits.length, 0);
  }

  /** How many `--all` or a share are is known only when they are chosen. @throws FtcError FTC_USAGE */
  #tooMany(chosen: number): boolean {
    const most = this.#o.pace.maxConcurrent ?? Infinity;
    if (chosen <= most) return this.#broken + chosen > most;
    throw new FtcError('FTC_USAGE', `--max-concurrent is ${most}, and ${chosen} are hit at a time`, {
      hint: 'Ask for fewer at a time with --count, or allow more.',
    });
  }

  async #hit(status: Status | null): Promise<void> {
    const { session, fault, params, forMs, pace, watcher, wish } = this.#o;
    const seed = this.#paced.count === 0 ? wish.seed : targetSeed(wish.seed, 0, this.#paced.count);
    let infliction: Infliction;
    try {
      const job = await this.#job(status);
      const phases = this.#phases();
      const hits = choose({ ...wish, seed, ...(phases && { phases }) }, job, status);
      if (this.#tooMany(hits.length)) return;
      infliction = await session.inflict({ fault, params, hits, job, forMs, seed });
    } catch (error) {
      // Somebody is on the way back: the next time is another try. The first time there is nobody to wait for.
      const patient = this.#struck.length > 0 && performance.now() - this.#lastAt < this.#o.watchMs;
      if (patient && error instanceof FtcError && error.code === 'FTC_NO_TARGET') return;
      throw error;
    }
    this.#paced = after(pace, this.#paced, performance.now() - this.#startedAt, wish.seed);
    this.#lastAt = performance.now();
    const strike = strikeOf(infliction, status);
    this.#struck.push({ strike, infliction, before: infliction.hits, settled: false });
    watcher.hit(strike);
  }

  async #job(status: Status | null): Promise<Hit[]> {
    const { job } = this.#o;
    return everybody(await job.replicas(), job.name, status);
  }

  #phases(): Wish['phases'] {
    const { when } = this.#o;
    return when !== null && 'phase' in when ? [when.phase] : undefined;
  }

  /** Who watches a job looks after its supervisor; not while that is what is broken. */
  async #keep(): Promise<void> {
    if (performance.now() - this.#keptAt < KEEP_EVERY_MS) return;
    this.#keptAt = performance.now();
    const broken = this.#struck.some(
      s => !s.infliction.isOver && s.infliction.hits.some(h => h.role === 'supervisor'),
    );
    if (!broken) await keepSupervisor(this.#o.job.hands).catch(() => false);
  }
}
