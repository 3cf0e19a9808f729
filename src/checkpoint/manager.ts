/** What can be asked of a job's checkpoints: by the master that runs, and by `ftc` when only the volume is left. */
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { Catalogue } from './catalogue.ts';
import { CHUNK, type ReadOptions } from './hash.ts';
import { MANIFEST, nameOf } from './names.ts';
import { type CheckpointPolicy, pinEvery } from './policy.ts';
import { prune } from './remove.ts';
import { prunable } from './retention.ts';
import type { Pruned } from '../api/checkpoint-answers.ts';
import { type CheckpointRow, isGood } from '../api/checkpoint-row.ts';
import { openPlain } from '../shared/plain-file.ts';

export interface PruneOptions {
  /** Instead of the job's own. */
  readonly keep?: number | undefined;
  readonly keepEvery?: number | undefined;
  readonly dryRun: boolean;
  /** What training would go on from is read first, and must be whole. */
  readonly sure: boolean;
  /** A step that was written a moment ago: `prunable`. */
  readonly written?: number | undefined;
}

export class Manager {
  readonly catalogue: Catalogue;
  readonly policy: CheckpointPolicy;
  readonly #looked: (rows: readonly CheckpointRow[]) => void;
  #last: Promise<unknown> = Promise.resolve();

  /** `looked` is called with all that is there whenever it was looked at, and when one turned out to be damaged. */
  constructor(
    policy: CheckpointPolicy,
    job: string,
    looked: (rows: readonly CheckpointRow[]) => void = () => undefined,
  ) {
    this.policy = policy;
    this.#looked = looked;
    this.catalogue = new Catalogue(policy.directory, job, policy);
  }

  /** Newest first. Catalogue.list. */
  async list(): Promise<CheckpointRow[]> {
    const rows = await this.catalogue.list();
    this.#looked(rows);
    return rows;
  }

  /** Null where there is none of this step. Catalogue.verify. */
  async verify(step: number, options: ReadOptions = {}): Promise<CheckpointRow | null> {
    const row = await this.catalogue.verify(step, options);
    if (row?.state === 'damaged') await this.list();
    return row;
  }

  prune({ keep, keepEvery, dryRun, sure, written }: PruneOptions): Promise<Pruned> {
    const { policy, catalogue } = this;
    const rules = {
      keep: keep ?? policy.keep,
      pinEvery: keepEvery === undefined ? policy.pinEvery : pinEvery(keepEvery, policy.every),
      keepBest: policy.keepBest ?? null,
    };
    return this.alone(async () => {
      if (sure) await this.sureList();
      const removed = dryRun
        ? prunable(await catalogue.list(), rules)
        : await prune(catalogue, rules, written);
      const gone = new Set(removed.map(row => row.name));
      const kept = (await catalogue.list()).filter(row => !gone.has(row.name));
      return { dryRun, ...rules, removed, kept };
    });
  }

  /**
   * The list in which the newest good one is known to be whole, if any is: before others go, what stays must be worth staying.
   * Reads checkpoints, newest first, until one is valid.
   */
  async sureList(): Promise<CheckpointRow[]> {
    for (;;) {
      const rows = await this.list();
      const newest = rows.find(isGood);
      if (newest === undefined || newest.state === 'valid') return rows;
      const found = await this.verify(newest.step);
      // Files that change all the time are somebody else's work, and stay.
      if (found?.state === 'unverified') return rows;
    }
  }

  /** One file of a checkpoint as it is, its manifest included. Null where there is none that the manifest names. */
  async open(step: number, file: string): Promise<{ bytes: number; stream: Readable } | null> {
    const manifest = await this.catalogue.manifest(step);
    if (manifest === null || (file !== MANIFEST && !Object.hasOwn(manifest.files, file))) return null;
    const path = join(this.catalogue.directory, nameOf(step), file);
    const handle = await openPlain(path).catch(() => null);
    if (handle === null) return null;
    const { size } = await handle.stat();
    // Not beyond: what is appended meanwhile is not part of what was promised.
    const end = Math.max(0, size - 1);
    return { bytes: size, stream: createReadStream(path, { fd: handle, end, highWaterMark: CHUNK }) };
  }

  /** Runs what changes the directory: one after the other. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#last.then(work);
    this.#last = next.catch(() => undefined);
    return next;
  }
}
