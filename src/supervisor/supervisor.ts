/**
 * The loop around ./plan.ts: lists containers after every event and every reconnect, starts what is due, kills what the
 * master fences. Events only say that something happened; what is true is what the engine lists.
 */
import { hasEnded, type JobState } from '../protocol/job-state.ts';
import type { Replica } from '../runtime/replica.ts';
import type { Hands } from '../runtime/hands.ts';
import type { ContainerFact, Said } from '../protocol/inbound.ts';
import type { Outbound } from '../protocol/outbound.ts';
import type { Logger } from '../shared/log.ts';
import { heavy } from './weight.ts';
import { plan, type Records } from './plan.ts';
import { afterStart, fresh, type RestartPolicy } from './restarts.ts';
import { Witness } from './witness.ts';
import { hear, type Memory, missing, type Remembered, see } from './vanished.ts';

export interface SupervisorOptions {
  readonly hands: Hands;
  /** Replicas that carry another job's name are not touched. */
  readonly job: string;
  readonly policy: RestartPolicy;
  readonly log: Logger;
  readonly now: () => number;
  tell(facts: readonly ContainerFact[]): void;
  said(said: Omit<Said, 'type'>): void;
}

/** Workers that are still there so long after the job's end are killed. */
const LINGER_MS = 15_000;
/** Before trying again what the engine did not do. */
const RETRY_MS = 1000;

export class Supervisor {
  readonly #o: SupervisorOptions;
  readonly #witness: Witness;
  #records: Records = new Map();
  #memory: Memory = new Map();
  #state: JobState | null = null;
  /** By hostname. */
  #ids: ReadonlyMap<string, string> = new Map();
  #counted: Record<string, number> = {};
  #timer: NodeJS.Timeout | null = null;
  #running: Promise<void> | null = null;
  #again = false;
  #endedAt: number | null = null;
  /** Workers that are showing where their threads stand: they are killed after that. */
  readonly #asked = new Set<string>();

  constructor(options: SupervisorOptions) {
    this.#o = options;
    this.#witness = new Witness(options);
  }

  /** Watches until `signal` aborts. */
  async watch(signal: AbortSignal): Promise<void> {
    for await (const change of this.#o.hands.changes(signal)) {
      if (change !== 'relist') {
        this.#o.log.debug({ change: change.kind, container: change.id.slice(0, 12) }, 'event');
        this.#memory = hear(this.#memory, change);
      }
      this.reconcile();
    }
    if (this.#timer) clearTimeout(this.#timer);
    await this.#running;
  }

  /** A message of the master. */
  take(message: Outbound): void {
    if (message.type === 'fence') {
      void this.#fence(message);
    } else if (message.type === 'healthy') {
      this.#healthy(message.workers);
    } else if (message.type === 'state') {
      const { state, reason } = message;
      if (state !== this.#state) this.#o.log.info({ state, reason }, 'the job is now');
      this.#state = state;
      this.#counted = { ...this.#counted, ...message.restarts };
      this.#endedAt = hasEnded(state) ? (this.#endedAt ?? this.#o.now()) : null;
      this.reconcile();
    }
  }

  /** Brings the world and the plan together; one at a time, and once more when something happened meanwhile. */
  reconcile(): void {
    if (this.#running) {
      this.#again = true;
      return;
    }
    this.#running = this.#reconcile()
      .catch((error: unknown) => {
        this.#o.log.warn({ err: error }, 'the engine did not answer; trying again');
        this.#planAt(this.#o.now() + RETRY_MS);
      })
      .finally(() => {
        this.#running = null;
        if (this.#again) {
          this.#again = false;
          this.reconcile();
        }
      });
  }

  async #reconcile(): Promise<void> {
    const { hands, policy, now } = this.#o;
    const containers = (await hands.list()).filter(c => c.job === this.#o.job);
    this.#remember(containers);
    const made = plan(policy, this.#records, containers, c => this.#mayStart(c), now());
    this.#records = made.records;
    this.#o.tell(made.facts);
    this.#witness.look(containers);
    this.#planAt(made.nextAt);
    await this.#makeMissing(containers);
    await Promise.all(containers.filter(c => made.start.includes(c.id)).map(c => this.#start(c)));
    await this.#clearUp(containers);
    await this.#unfavour(containers);
  }

  /** Counts that a supervisor before this one had reached, as the master tells them. */
  #remember(containers: readonly Replica[]): void {
    const records = new Map(this.#records);
    for (const c of containers) {
      const record = records.get(c.id) ?? fresh;
      const restarts = Math.max(record.restarts, this.#counted[c.hostname] ?? 0);
      records.set(c.id, { ...record, restarts });
    }
    this.#ids = new Map(containers.map(c => [c.hostname, c.id]));
    this.#records = records;
  }

  #healthy(workers: readonly string[]): void {
    const records = new Map(this.#records);
    for (const worker of workers) {
      const id = this.#ids.get(worker);
      if (id !== undefined) records.set(id, { ...(records.get(id) ?? fresh), healthy: true });
    }
    this.#records = records;
    this.reconcile();
  }

  #mayStart(container: Replica): boolean {
    if (container.role === 'master') return true;
    return this.#state !== null && this.#state !== 'stopping' && !hasEnded(this.#state);
  }

  async #start(container: Replica): Promise<void> {
    const { id, name, role, attached } = container;
    const record = this.#records.get(id) ?? fresh;
    try {
      // A start alone brings one that was cut off back without its network.
      if (!attached) {
        await this.#o.hands.attach(id);
        this.#o.log.warn({ worker: id.slice(0, 12), container: name }, 'put back onto its network');
      }
      if (role === 'worker') await this.#favour(id, true);
      await this.#o.hands.start(id);
      const started = afterStart(record);
      this.#records = new Map(this.#records).set(id, started);
      this.#o.log.info(
        { worker: id.slice(0, 12), container: name, restarts: started.restarts },
        'started again',
      );
      this.#again = true;
    } catch (error) {
      const made = role === 'supervisor' ? null : await this.#uncover(container, error);
      if (made === null)
        this.#o.log.error({ err: error, container: name }, 'it could not be started; trying again');
      const dueAt = this.#o.now() + (made === null ? RETRY_MS : 0);
      this.#records = new Map(this.#records).set(made ?? id, { ...record, dueAt });
      this.#planAt(dueAt);
    }
  }

  /** The id of the container in its place; null where it stays as it is. */
  async #uncover({ id, name, role }: Replica, error: unknown): Promise<string | null> {
    try {
      const made = await this.#o.hands.uncover(id, error);
      if (made === null) return null;
      this.#memory = new Map([...this.#memory].filter(([known]) => known !== id));
      this.#o.log.warn(
        {
          ...(role === 'worker' && { worker: made.id.slice(0, 12) }),
          container: name,
          path: made.without,
        },
        'made anew without what is gone from the host',
      );
      return made.id;
    } catch (failure) {
      this.#o.log.error({ err: failure, container: name }, 'it could not be made anew');
      return null;
    }
  }

  /** Remembers how each was made, and makes anew who was removed. */
  async #makeMissing(containers: readonly Replica[]): Promise<void> {
    const { hands, now } = this.#o;
    const isDue = (id: string): boolean => this.#records.get(id)?.dueAt != null;
    this.#memory = see(this.#memory, containers, now(), isDue);
    for (const [id, r] of this.#memory) {
      if (r.blueprint !== null || r.goneAt !== null) continue;
      const blueprint = await hands.blueprint(id);
      this.#memory = new Map(this.#memory).set(id, { ...(this.#memory.get(id) ?? r), blueprint });
    }
    const { memory, make, nextAt } = missing(this.#memory, c => this.#mayMake(c), now());
    this.#memory = memory;
    if (nextAt !== null) setTimeout(() => this.reconcile(), nextAt - now() + 1).unref();
    await Promise.all(make.map(r => this.#make(r)));
  }

  /** After its end a job has no use for anybody; its master may be removed. */
  #mayMake(container: Replica): boolean {
    return this.#mayStart(container) && !(this.#state !== null && hasEnded(this.#state));
  }

  async #make({ container: { name }, blueprint }: Remembered): Promise<void> {
    if (blueprint === null) return;
    try {
      const id = await this.#o.hands.create(blueprint);
      await this.#o.hands.start(id);
      this.#o.log.warn(
        { worker: id.slice(0, 12), container: name },
        'made anew: it was removed while it ran',
      );
    } catch (error) {
      // Somebody else may have made it. One that is made and does not start is the plan's business.
      this.#o.log.error({ err: error, container: name }, 'it could not be made anew');
    }
    this.#again = true;
  }

  /** It is a help, not a need: an engine that cannot do it is no trouble. */
  async #favour(id: string, on: boolean): Promise<void> {
    try {
      await this.#o.hands.favour(id, on);
    } catch (error) {
      this.#o.log.debug({ err: error, worker: id.slice(0, 12) }, 'its CPU weight could not be set');
    }
  }

  async #unfavour(containers: readonly Replica[]): Promise<void> {
    const { done, nextAt } = heavy(containers, id => this.#records.get(id)?.healthy ?? false, this.#o.now());
    await Promise.all(done.map(id => this.#favour(id, false)));
    if (nextAt !== null) setTimeout(() => this.reconcile(), nextAt - this.#o.now() + 1).unref();
  }

  /** Kills the worker's container if it is still the run that was lost at `at`; a newer run is not touched. */
  async #fence({ worker, at, reason, hangs }: Extract<Outbound, { type: 'fence' }>): Promise<void> {
    try {
      let container = await this.#lost(worker, at);
      if (hangs && container?.state === 'running' && !this.#asked.has(worker)) {
        this.#asked.add(worker);
        await this.#witness.stacks(container).finally(() => this.#asked.delete(worker));
        // It may have died meanwhile, and run again.
        container = await this.#lost(worker, at);
      } else if (this.#asked.has(worker)) return;
      if (container === null) return;
      this.#o.log.warn({ worker, container: container.name, reason }, 'killed: the master counts it as lost');
      await this.#o.hands.kill(container.id);
    } catch (error) {
      this.#o.log.error({ err: error, worker }, 'it could not be killed');
    }
  }

  /** The container of that worker, if its run from before `at` still lives. */
  async #lost(worker: string, at: number): Promise<Replica | null> {
    const containers = (await this.#o.hands.list()).filter(c => c.job === this.#o.job);
    const found = containers.find(c => c.role === 'worker' && c.hostname === worker);
    const alive = found?.state === 'running' || found?.state === 'paused';
    return found && alive && (found.startedAt ?? 0) <= at ? found : null;
  }

  async #clearUp(containers: readonly Replica[]): Promise<void> {
    if (this.#endedAt === null) return;
    const left = containers.filter(
      c => c.role === 'worker' && (c.state === 'running' || c.state === 'paused'),
    );
    if (left.length === 0) return;
    const at = this.#endedAt + LINGER_MS;
    if (this.#o.now() < at) return this.#planAt(at);
    for (const c of left) {
      this.#o.log.warn({ container: c.name }, 'killed: the job has ended and it is still there');
      await this.#o.hands.kill(c.id);
    }
  }

  #planAt(at: number | null): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer =
      at === null ? null : setTimeout(() => this.reconcile(), Math.max(0, at - this.#o.now()) + 1);
  }
}
