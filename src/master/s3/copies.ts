/** Which checkpoints are here and there, and the next thing to do about it. One turn does one thing. */
import type { Logger } from '../../shared/log.ts';
import { MANIFEST } from '../../checkpoint/names.ts';
import { duration } from '../../shared/duration.ts';
import { now } from '../../shared/clock.ts';
import { NotS3 } from './answer.ts';
import { type Bucket, Missing, type Stored } from './bucket.ts';
import { damage } from './damage.ts';
import { isAnswer } from './failure.ts';
import { plan } from './plan.ts';
import { Recent } from './recent.ts';
import type { S3Status } from '../../api/s3.ts';
import type { Tell } from './trying.ts';
import { Damaged, type LocalStep, localSteps, readStep } from './volume.ts';

export interface CopiesOptions {
  readonly job: string;
  readonly directory: string;
  readonly keep: number;
  readonly pinEvery: number | null;
  readonly log: Logger;
  readonly tell: Tell;
}

/** What a manifest in the bucket is to this run; holds as long as the manifest is the same. */
interface Verdict {
  readonly etag: string;
  readonly is: 'ours' | 'other' | 'damaged';
}

export class Copies {
  readonly #o: CopiesOptions;
  readonly #list: typeof localSteps;
  #local: readonly LocalStep[] = [];
  #lastBegun = 0;
  #lastSeen = 0;
  /** Null when it has to be asked for again. */
  #remote: readonly Stored[] | null = null;
  #known: readonly Stored[] = [];
  readonly #verdicts = new Map<number, Verdict>();
  /** Checkpoints here that do not verify, with their manifests: the same one is not read again. */
  readonly #bad = new Map<number, string>();
  #own: number | null = null;
  #uploading: number | null = null;
  #newer: number | null = null;
  /** The next turn may remove something before it copies. */
  #tidies = false;
  /** Whoever logs in here may not be allowed to. */
  #mayRemove = true;
  #looked = false;
  /** An upload may have broken off: its parts stay there, unseen and paid for, until they are told to go. */
  #brokeOff = true;
  /** Not every store can list them. */
  #listsUploads = true;
  readonly #recent = new Recent();
  /** Steps of which a part may be there. */
  readonly #begun = new Set<number>();

  /** `list` finds what is in the volume. */
  constructor(o: CopiesOptions, list = localSteps) {
    this.#o = o;
    this.#list = list;
  }

  /** What is in the volume now. */
  async look(): Promise<void> {
    const began = (this.#lastBegun += 1);
    const found = await this.#list(this.#o.directory);
    // Two looks at once end in any order: the older one may have missed what the newer one has seen.
    if (began < this.#lastSeen) return;
    this.#lastSeen = began;
    this.#local = found.filter(({ step, text }) => this.#bad.get(step) !== text.toString());
  }

  /** What is in the bucket is asked for again, at the next turn. */
  forget(): void {
    this.#remote = null;
  }

  holds(step: number): boolean {
    return this.#known.some(s => s.step === step && isComplete(s) && this.#verdict(s) !== 'damaged');
  }

  /** A checkpoint in the bucket does not verify. */
  isDamaged(stored: Stored): void {
    this.#judge(stored, 'damaged');
  }

  status(): Pick<S3Status, 'backlogSteps' | 'backlogBytes' | 'uploading' | 'uploadedStep' | 'newerStep'> {
    const { upload } = this.#plan();
    const bytes = this.#local
      .filter(({ step }) => upload.includes(step))
      .reduce((sum, l) => sum + l.bytes, 0);
    return {
      backlogSteps: upload.length,
      backlogBytes: bytes,
      uploading: this.#uploading,
      uploadedStep: this.#own,
      newerStep: this.#newer !== null && this.#newer > (this.#local[0]?.step ?? -1) ? this.#newer : null,
    };
  }

  /** Does the next thing. False when nothing is left to do. @throws as the store does */
  async turn(bucket: Bucket): Promise<boolean> {
    await this.look();
    if (this.#remote === null) {
      this.#known = this.#remote = this.#recent.applyTo(await bucket.list(), now());
      if (this.#brokeOff && this.#listsUploads) await this.#sweep(bucket);
      if (!this.#looked) this.#first();
    }
    await this.#compare(bucket, this.#remote);
    const { upload, prune } = this.#plan();
    // In turns: a bucket that is always behind must not grow for ever.
    const old = this.#tidies || upload.length === 0 ? this.#remote.find(s => s.step === prune[0]) : undefined;
    this.#tidies = false;
    const next = this.#local.find(({ step }) => step === upload[0]);
    if (old !== undefined && this.#mayRemove) {
      await this.#remove(bucket, old);
      this.#known = this.#remote = this.#remote.filter(s => s !== old);
      this.#tidies = true;
      return true;
    }
    if (next === undefined) return false;
    await this.#upload(bucket, next);
    this.#remote = null;
    this.#tidies = true;
    return true;
  }

  #plan(): ReturnType<typeof plan> {
    const { keep, pinEvery } = this.#o;
    const remote = this.#known.map(s => ({
      step: s.step,
      complete: isComplete(s),
      damaged: this.#verdict(s) === 'damaged',
    }));
    return plan({ local: this.#local.map(({ step }) => step), remote, own: this.#own, keep, pinEvery });
  }

  /** What a master before this one has left there, or what broke off since. Copies need none of this. */
  async #sweep(bucket: Bucket): Promise<void> {
    try {
      const ended = await bucket.abortUploads();
      if (ended > 0) this.#o.log.info({ uploads: ended }, 'uploads to S3 that were broken off are ended');
      this.#brokeOff = false;
    } catch (error) {
      this.#listsUploads = !isAnswer(error) && !(error instanceof NotS3);
      const { name, message } = error as Error;
      const text = 'uploads to S3 that were broken off cannot be listed; what is left of them stays there';
      this.#o.log.info({ error: name === message ? name : `${name}: ${message}` }, text);
    }
  }

  /** Once: whether somebody was further than this run. */
  #first(): void {
    this.#looked = true;
    const newest = this.#known.find(s => isComplete(s) && this.#verdict(s) !== 'damaged')?.step ?? -1;
    const here = this.#local[0]?.step ?? 0;
    if (newest <= here) return;
    this.#newer = newest;
    this.#o.tell('warn', { what: 's3-newer', step: newest, here }, newest);
  }

  /** What is both here and there is looked at once: it may be this run's, another's, or half of one. */
  async #compare(bucket: Bucket, remote: readonly Stored[]): Promise<void> {
    for (const local of this.#local) {
      const stored = remote.find(s => s.step === local.step);
      if (stored === undefined || !isComplete(stored) || this.#verdict(stored) !== null) continue;
      try {
        const { manifest } = await bucket.manifest(stored, this.#o.job);
        const same = manifest.digest === local.manifest.digest;
        this.#judge(stored, same ? 'ours' : 'other');
        if (same) this.#own = Math.max(this.#own ?? 0, local.step);
        else this.#o.tell('warn', { what: 's3-holds-another', step: local.step }, local.step);
      } catch (error) {
        if (!(error instanceof Damaged)) throw error;
        this.#judge(stored, 'damaged');
        // One that was removed may be listed for a while.
        if (error instanceof Missing) continue;
        const { step } = local;
        this.#o.tell(
          'warn',
          { what: 's3-copy-damaged', step, reason: error.message, copiedAgain: true },
          step,
        );
      }
    }
  }

  async #upload(bucket: Bucket, local: LocalStep): Promise<void> {
    const { step, bytes, text } = local;
    const began = performance.now();
    this.#uploading = step;
    try {
      const before = this.#known.find(s => s.step === step);
      const replaces = before !== undefined && isComplete(before);
      const again = !replaces && (before !== undefined || this.#begun.has(step));
      this.#begun.add(step);
      const stored = await bucket.copy(this.#o.directory, local, { replaces, again });
      this.#begun.delete(step);
      this.#own = Math.max(this.#own ?? 0, step);
      this.#recent.put(stored, before, now());
      this.#judge(stored, 'ours');
      const took = duration(performance.now() - began);
      this.#o.log.info({ step, bytes }, `the checkpoint of step ${step} is in S3, after ${took}`);
    } catch (error) {
      const reason = damage(error);
      if (reason === null) {
        this.#brokeOff = true;
        throw error;
      }
      // Pruned or written again meanwhile: the next look tells.
      if ((await readStep(this.#o.directory, step))?.text.equals(text) !== true) return;
      this.#bad.set(step, text.toString());
      this.#o.tell('error', { what: 's3-not-copied', step, reason }, step);
    } finally {
      this.#uploading = null;
    }
  }

  async #remove(bucket: Bucket, old: Stored): Promise<void> {
    try {
      await bucket.remove(old);
      this.#recent.removed(old, now());
      this.#o.log.info({ step: old.step }, `step ${old.step} is removed from S3`);
    } catch (error) {
      if (!isAnswer(error)) throw error;
      this.#mayRemove = false;
      this.#o.tell('warn', { what: 's3-removal-refused' }, null);
    }
  }

  #judge(stored: Stored, is: Verdict['is']): void {
    this.#verdicts.set(stored.step, { etag: stored.files.get(MANIFEST)?.etag ?? '', is });
  }

  #verdict(stored: Stored): Verdict['is'] | null {
    const verdict = this.#verdicts.get(stored.step);
    return verdict !== undefined && verdict.etag === stored.files.get(MANIFEST)?.etag ? verdict.is : null;
  }
}

const isComplete = ({ files }: Stored): boolean => files.has(MANIFEST);
