/**
 * Keeps a bucket like the volume: every published checkpoint is copied there, one at a time, newest first; and an empty
 * volume is filled from there before anybody trains. Whatever S3 does, training goes on. What to do is ./plan.ts's to say.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { now } from '../../shared/clock.ts';
import { type CheckpointPolicy, pinEvery } from '../../checkpoint/policy.ts';
import type { Logger } from '../../shared/log.ts';
import type { HistoryEntry } from '../membership/events.ts';
import { duration } from '../../shared/duration.ts';
import type { Backoff } from './backoff.ts';
import { Bucket } from './bucket.ts';
import type { S3Config } from './config.ts';
import { Copies } from './copies.ts';
import { explain, type Failure } from './failure.ts';
import { NoneVerifies, restore } from './restore.ts';
import { Secrets } from './secrets.ts';
import type { S3Status } from '../../api/s3.ts';
import type { ObjectStore } from './store.ts';
import { type Tell, Trying } from './trying.ts';
import { megabytes, noneVerifies, noRoom } from './words.ts';

export interface MirrorOptions {
  readonly config: S3Config;
  /** What is kept in the volume, and so in the bucket, where the job says nothing else. */
  readonly policy: CheckpointPolicy;
  readonly job: string;
  readonly log: Logger;
  /** What people should know. */
  readonly tell: (entry: HistoryEntry) => void;
  /** Nobody starts from nothing while there is a reason. */
  readonly hold: (reason: string | null) => void;
  /** The job cannot go on. */
  readonly abandon: (reason: string) => void;
  readonly backoff?: Backoff;
}

const BACKOFF: Backoff = { initialMs: 1000, maxMs: 60_000 };
/** What is left to copy when the container is stopped may take so long. Less than the grace period that Compose is told. */
export const DRAIN_MS = 20_000;
/** A store that is started together with the job may take so long to answer. */
const PATIENCE_MS = 4000;
/** People are told of a restore's progress this often. */
const PROGRESS_MS = 250;

export class Mirror {
  readonly #o: MirrorOptions;
  readonly #secrets = new Secrets();
  readonly #copies: Copies;
  readonly #trying: Trying;
  readonly #where: string;
  #store: ObjectStore | null = null;
  #restored: number | null = null;
  /** Bytes of each step that was being restored, at most, and since when none were added. */
  readonly #furthest = new Map<number, number>();
  /** restore(). */
  readonly #bad = new Map<string, string>();
  readonly #missing = new Map<number, number>();
  #failingSince: number | null = null;
  /** How many were published. */
  #published = 0;
  #restoring = false;
  #closing = false;
  #running: Promise<void> = Promise.resolve();

  constructor(o: MirrorOptions) {
    this.#o = o;
    const { login, endpoint, region } = o.config;
    if (login.kind === 'keys') this.#secrets.add(login.id, login.secret, login.token);
    this.#where = endpoint === null ? `s3.${region}.amazonaws.com` : new URL(endpoint).host;
    const { keep, keepEvery } = o.config;
    this.#copies = new Copies({
      job: o.job,
      directory: o.policy.directory,
      keep: keep ?? o.policy.keep,
      pinEvery: keepEvery === null ? o.policy.pinEvery : pinEvery(keepEvery, o.policy.every),
      log: o.log,
      tell: this.#tell,
    });
    this.#trying = new Trying(o.backoff ?? BACKOFF, this.#tell);
  }

  /** Begins, with a restore where `empty`; the hold of that is taken before this returns. */
  start(empty: boolean): void {
    if (empty) this.#o.hold('looking for a checkpoint in S3');
    this.#running = this.#run(empty).catch((error: unknown) => {
      const text = 'a defect in ftc ended the copying to S3; a restart of the master begins it again';
      this.#trying.failed({ kind: 'local', text, hopeless: true }, 'copying');
      this.#o.log.error(`${text}: ${this.#hide(String((error as Error).stack))}`);
      this.#o.hold(null);
    });
  }

  /** A worker has published a checkpoint. */
  published(): void {
    this.#published += 1;
    void this.#copies.look();
    this.#trying.wake();
  }

  /** True when the bucket holds that step, whole as far as is known. */
  holds(step: number): boolean {
    return this.#copies.holds(step);
  }

  status(): S3Status {
    const { bucket, base } = this.#o.config;
    const target = `s3://${bucket}/${base.slice(0, -1)}`;
    return { target, ...this.#trying.status(), ...this.#copies.status(), restoredStep: this.#restored };
  }

  /** Copies what is left, if S3 takes it and that is soon done; then ends. */
  async close(): Promise<void> {
    await this.#copies.look();
    this.#closing = true;
    this.#trying.end();
    if (this.#restoring || this.#trying.failure !== null) this.#store?.close();
    const late = new AbortController();
    const time = sleep(DRAIN_MS, undefined, { signal: late.signal }).catch(() => undefined);
    await Promise.race([this.#running, time]);
    late.abort();
    this.#store?.close();
  }

  async #run(empty: boolean): Promise<void> {
    this.#restoring = empty;
    if (empty) await this.#fill();
    this.#restoring = false;
    while (!this.#ends()) {
      const before = this.#published;
      try {
        const more = await this.#copies.turn(await this.#bucket());
        this.#trying.succeeded(this.#copies.status().backlogSteps);
        if (more || this.#published !== before) continue;
        await this.#trying.pause();
      } catch (error) {
        const failure = this.#explain(error);
        this.#trying.failed(failure, 'copying');
        if (!this.#closing) await this.#trying.backOff();
      }
      this.#copies.forget();
    }
  }

  /** While it works it may finish; what fails is not tried again. */
  #ends(): boolean {
    return this.#closing && (this.#trying.failure !== null || this.#copies.status().backlogSteps === 0);
  }

  /** The volume is empty: nobody trains before it is filled, or known that it cannot be. */
  async #fill(): Promise<void> {
    const { config, hold, abandon } = this.#o;
    while (!this.#closing) {
      try {
        await this.#restore();
        this.#trying.succeeded(0);
        return hold(null);
      } catch (error) {
        if (error instanceof NoneVerifies) return abandon(noneVerifies(error, this.status().target));
        const failure = this.#explain(error);
        const patience = failure.kind === 'unreachable' ? PATIENCE_MS : 0;
        this.#trying.failed(failure, 'restoring', patience);
        const since = (this.#failingSince ??= now());
        const left = config.restoreTimeoutMs - (now() - since);
        // What is there could be had: to start without it would be to lose it, and the next start may find room.
        if (left <= 0 && failure.kind === 'local') return abandon(noRoom(failure, this.status().target));
        if (left <= 0 || failure.hopeless) {
          const triedMs = failure.hopeless ? null : config.restoreTimeoutMs;
          this.#tell('error', { what: 's3-not-restored', reason: failure.text, triedMs }, null);
          return hold(null);
        }
        const then = failure.kind === 'local' ? 'the job fails' : 'the job starts at step 0';
        hold(`nothing is restored from S3 yet: ${failure.text}; ${then} in ${duration(left)}`);
        await this.#trying.backOff(left);
      }
    }
  }

  async #restore(): Promise<void> {
    const { job, policy, hold } = this.#o;
    let began = now();
    let toldAt = 0;
    const progress = (step: number, bytes: number, total: number): void => {
      if (bytes === 0) began = now();
      if (bytes > (this.#furthest.get(step) ?? -1)) {
        this.#furthest.set(step, bytes);
        this.#failingSince = null;
      }
      if (now() - toldAt < PROGRESS_MS && bytes < total) return;
      toldAt = now();
      hold(`restoring step ${step} from S3 (${megabytes(bytes)} of ${megabytes(total)} MB)`);
    };
    const found = await restore({
      ...{ bucket: await this.#bucket(), job, directory: policy.directory, progress, bad: this.#bad },
      ...{ missing: this.#missing, now: now() },
      damaged: (stored, reason) => {
        this.#copies.isDamaged(stored);
        const { step } = stored;
        this.#tell('warn', { what: 's3-copy-damaged', step, reason, copiedAgain: false }, step);
      },
    });
    if (found === null) return;
    this.#restored = found.step;
    const { step, bytes } = found;
    this.#tell('info', { what: 's3-restored', step, bytes, tookMs: now() - began }, step);
  }

  async #bucket(): Promise<Bucket> {
    this.#store ??= (await import('./aws.ts')).openStore(this.#o.config, this.#secrets);
    return new Bucket(this.#store, this.#o.config.base);
  }

  #explain(error: unknown): Failure {
    // What it was refused with may be mended in the file meanwhile; connections that failed are not used again.
    this.#store?.close();
    this.#store = null;
    return explain(error, this.#where, this.#hide);
  }

  readonly #tell: Tell = (level, fact, step) => this.#o.tell({ level, fact, worker: null, rank: null, step });

  readonly #hide = (text: string): string => this.#secrets.hide(text);
}
