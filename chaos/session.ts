/**
 * One command that breaks a job: nobody else does at the same time, everything is in the journal before it happens, and
 * what lasts is undone in time, at the end, or by whoever comes after.
 */
import { randomBytes } from 'node:crypto';
import type { Hands } from '../src/runtime/hands.ts';
import { FtcError } from '../src/errors.ts';
import { now } from '../src/shared/clock.ts';
import type { Fault, FaultRecord, Hit, Scene, World } from './faults/fault.ts';
import { healOpen, type Healed } from './heal.ts';
import { ChaosJournal, folderFor, lockIn, readEntries } from './journal/file.ts';
import { self, takeLock } from './journal/lock.ts';
import { lacking } from './probe.ts';
import { openFaults } from './journal/entries.ts';
import { Infliction, type Order } from './infliction.ts';

export interface SessionOptions {
  readonly world: World;
  readonly project: string;
  /** Where the journal may lie, the best first. See `journalFolders`. */
  readonly folders: readonly string[];
  /** What the person typed, for whoever is refused meanwhile. */
  readonly command: string;
  /** What an earlier command left and this one has put right. */
  readonly onHealed?: (healed: readonly Healed[]) => void;
}

/** The target vanished, which is no error of anybody's. */
const VANISHED: readonly string[] = ['FTC_NO_TARGET', 'FTC_NOT_RUNNING'];

export class Session {
  readonly run: string;
  readonly #o: SessionOptions;
  readonly #journal: ChaosJournal;
  readonly #release: () => void;
  readonly #open = new Set<Infliction>();
  readonly #stop = new AbortController();
  #watching: Promise<void> | null = null;
  #count = 0;

  private constructor(run: string, o: SessionOptions, journal: ChaosJournal, letGo: () => void) {
    this.run = run;
    this.#o = o;
    this.#journal = journal;
    this.#release = letGo;
  }

  /** Puts right first what a command that died has left. @throws FtcError FTC_ALREADY_RUNNING */
  static async open(o: SessionOptions): Promise<Session> {
    const { world, project } = o;
    const folder = folderFor(o.folders);
    const run = randomBytes(3).toString('hex');
    const owner = self(run, o.command);
    const letGo = takeLock(lockIn(folder, project), owner);
    try {
      const left = openFaults(readEntries(folder, project));
      const journal = new ChaosJournal(folder, project);
      const healed = await healOpen(world, project, left, entry => journal.append(entry));
      if (healed.length > 0) o.onHealed?.(healed);
      const who = `${owner.host}/${owner.pid}`;
      journal.append({ type: 'begin', run, at: now(), owner: who, command: o.command });
      return new Session(run, o, journal, letGo);
    } catch (error) {
      letGo();
      throw error;
    }
  }

  /**
   * Breaks it, everywhere at the same time. Whoever vanished meanwhile is told of in the result.
   * @throws FtcError FTC_NO_TARGET when nobody was left, FTC_CANNOT where the platform cannot do it, and the engine's
   */
  async inflict(wanted: Order): Promise<Infliction> {
    const order = { ...wanted, hits: this.#free(wanted) };
    const { fault, hits, params, forMs } = order;
    const lacks = lacking(fault, this.#o.world.faults.capabilities);
    if (lacks !== null) throw new FtcError('FTC_CANNOT', `${fault.name} cannot be done here: ${lacks}`);
    const infliction = new Infliction(this.#o.world, order, entry => this.#journal.append(entry));
    const scene: Scene = { project: this.#o.project, hits, job: order.job, seed: order.seed };
    this.#open.add(infliction);
    void infliction.over.then(() => this.#open.delete(infliction));
    const results = await Promise.allSettled(
      hits.map(hit => infliction.hit(scene, hit, this.#draft(fault, params, hit, forMs))),
    );
    const errors = results.flatMap(r => (r.status === 'rejected' ? [r.reason as Error] : []));
    const defect = errors.find(e => !(e instanceof FtcError));
    // Who was hit is hit: of the others, its notes tell.
    if (defect !== undefined || infliction.records.length === 0) {
      await infliction.revert({ hurry: true });
      const grave = errors.find(e => e instanceof FtcError && !VANISHED.includes(e.code));
      throw (
        defect ??
        grave ??
        errors[0] ??
        new FtcError('FTC_NO_TARGET', 'no running container matched the selector')
      );
    }
    infliction.begin();
    if (fault.follows && forMs !== null) this.#watching ??= this.#follow(this.#o.world.hands);
    return infliction;
  }

  /** Undoes what is still in force, and lets the next command come. */
  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.all([...this.#open].map(infliction => infliction.revert({ hurry: true })));
    await this.#watching;
    this.#journal.append({ type: 'end', run: this.run, at: now() });
    this.#journal.close();
    this.#release();
  }

  /** Whom it does not hold already: what the second one found would be the work of the first. @throws FtcError FTC_NO_TARGET */
  #free({ fault, hits }: Order): readonly Hit[] {
    const held = [...this.#open]
      .filter(i => i.lasts && i.order.fault.name === fault.name)
      .flatMap(i => i.hits);
    const free = hits.filter(h => !held.some(one => one.container.id === h.container.id));
    if (free.length > 0 || hits.length === 0) return free;
    const names = hits.map(h => h.container.name).join(', ');
    throw new FtcError('FTC_NO_TARGET', `${fault.name} is in force already: ${names}`);
  }

  #draft(
    fault: Fault,
    params: Order['params'],
    { container: c, role, rank }: Hit,
    forMs: number | null,
  ): Omit<FaultRecord, 'data'> {
    this.#count += 1;
    const { id, name, hostname, startedAt } = c;
    return {
      id: `${this.run}-${this.#count}`,
      run: this.run,
      project: this.#o.project,
      fault: fault.name,
      container: { id, name, hostname, role, rank, startedAt },
      params: params,
      forMs,
      at: now(),
    };
  }

  /** A container that starts again has a new network: what was done to the one before is done again. */
  async #follow(hands: Hands): Promise<void> {
    for await (const change of hands.changes(this.#stop.signal)) {
      if (change === 'relist' || change.kind !== 'started') continue;
      const container = await hands.inspect(change.id).catch(() => null);
      if (container?.state !== 'running') continue;
      for (const infliction of this.#open) {
        const { fault, params, hits, job, forMs, seed } = infliction.order;
        const hit = hits.find(h => h.container.id === change.id);
        if (!hit || !fault.follows || forMs === null || !infliction.isLater(container)) continue;
        const left = Math.max(1, infliction.at + forMs - now());
        const again = { ...hit, container };
        const scene = { project: this.#o.project, hits, job, seed };
        await infliction
          .hit(scene, again, this.#draft(fault, params, again, left))
          .catch((error: unknown) => infliction.note(`${container.name}: ${(error as Error).message}`));
      }
    }
  }
}
