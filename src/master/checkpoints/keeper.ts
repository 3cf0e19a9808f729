/** The master's care for the checkpoints: prunes, scrubs, makes room on a full disk, and tells what people should know. */
import { Manager } from '../../checkpoint/manager.ts';
import type { CheckpointPolicy } from '../../checkpoint/policy.ts';
import type { Logger } from '../../shared/log.ts';
import type { HistoryEntry } from '../membership/events.ts';
import { Damage } from './damage.ts';
import { makeRoom } from './make-room.ts';
import { Scrub } from './scrub.ts';
import type { Fact } from '../../api/fact.ts';
import type { CheckpointStatus } from '../../api/checkpoint-status.ts';
import { type CheckpointReport, isFull } from './tally.ts';

export interface KeeperOptions {
  readonly policy: CheckpointPolicy;
  readonly job: string;
  /** How old a verification may get, milliseconds; 0 is never to verify in the background. */
  readonly scrubMs: number;
  readonly log: Logger;
  readonly tell: (entry: HistoryEntry) => void;
  /** Whether a copy of this step is elsewhere. */
  readonly copied?: (step: number) => boolean;
}

export class Keeper {
  readonly manager: Manager;
  readonly #o: KeeperOptions;
  readonly #damage = new Damage();
  readonly #scrub: Scrub | null;
  /** Where nobody reads them again, what a worker has just written is what is known to be whole. */
  #written: number | undefined;
  #pruning = false;
  /** Something was published since the pruning began. */
  #again = false;
  /** The disk is full and nothing may go: told once until a checkpoint is durable again. */
  #toldStuck = false;

  constructor(o: KeeperOptions) {
    this.#o = o;
    this.manager = new Manager(o.policy, o.job, rows => this.#see(rows));
    const { manager } = this;
    const failed = (error: unknown) => o.log.warn({ err: error }, 'the checkpoints cannot be looked at');
    // An older one may have been kept only because no newer was known to be valid.
    const verified = () => void this.#prune();
    this.#scrub = o.scrubMs > 0 ? new Scrub({ manager, everyMs: o.scrubMs, verified, failed }) : null;
  }

  start(): void {
    this.#scrub?.start();
  }

  async close(): Promise<void> {
    await this.#scrub?.close();
    await this.manager.alone(() => Promise.resolve());
  }

  /** Those that are known to be damaged, newest first. */
  get damaged(): CheckpointStatus['damaged'] {
    return this.#damage.damaged;
  }

  /** A worker has written a checkpoint, or could not. */
  reported(report: CheckpointReport): void {
    if (report.ok) {
      this.#toldStuck = false;
      if (this.#scrub === null) this.#written = report.step;
      this.#scrub?.wake();
      void this.#prune();
    } else if (isFull(report)) {
      void this.#makeRoom();
    }
  }

  async #prune(): Promise<void> {
    this.#again = true;
    if (this.#pruning) return;
    this.#pruning = true;
    while (this.#again) {
      this.#again = false;
      try {
        const { removed } = await this.manager.prune({ dryRun: false, sure: false, written: this.#written });
        const steps = removed.map(row => row.step);
        if (steps.length > 0) this.#o.log.info({ steps }, 'old checkpoints removed');
      } catch (error) {
        this.#o.log.warn({ err: error }, 'old checkpoints could not be removed');
      }
    }
    this.#pruning = false;
  }

  async #makeRoom(): Promise<void> {
    try {
      const fact = await makeRoom(this.manager);
      const stuck = fact.what === 'disk-stays-full';
      if (stuck && this.#toldStuck) return;
      this.#toldStuck = stuck;
      this.#tell('warn', fact, null);
    } catch (error) {
      this.#o.log.warn({ err: error }, 'no room could be made on the full disk');
    }
  }

  #see(rows: Parameters<Damage['see']>[0]): void {
    for (const found of this.#damage.see(rows)) {
      const copied = this.#o.copied?.(found.step) === true;
      this.#tell('error', { ...found, copied }, found.step);
    }
  }

  #tell(level: HistoryEntry['level'], fact: Fact, step: number | null): void {
    this.#o.tell({ level, fact, worker: null, rank: null, step });
  }
}
