/** The shell around the membership: takes events from sockets and timers, carries out effects. Decides nothing. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '../shared/log.ts';
import { now } from '../shared/clock.ts';
import { Keeper } from './checkpoints/keeper.ts';
import type { MasterConfig } from './config.ts';
import { ControlServer } from './control-server.ts';
import { History } from './history.ts';
import { Hooks, isNews } from './hooks/hooks.ts';
import type { Api } from './http.ts';
import { Journal } from './journal.ts';
import type { MasterKeys } from '../protocol/membership-proof.ts';
import { advance } from './membership/advance.ts';
import type { Effect, HistoryEntry, MembershipEvent } from './membership/events.ts';
import { nextTick } from './membership/next-tick.ts';
import type { Membership } from './membership/state.ts';
import { Pace } from './pace.ts';
import { isNewRun, refuseJournal, resume } from './resume.ts';
import { METRICS } from '../api/step-line.ts';
import { LastMetrics } from '../metrics/last.ts';
import { Mirror } from './s3/mirror.ts';
import { isEmpty } from './s3/volume.ts';
import { hasEnded } from '../protocol/job-state.ts';
import { statusOf } from './status-view.ts';
import type { OpenedVolume } from './volume/open.ts';
import { type VolumeTrouble, whatIsWrong, whatToDo } from '../api/volume.ts';

/** Phases in which a worker's step is the job's. */
const TRAINS: ReadonlySet<string> = new Set(['compute', 'reduce', 'checkpoint']);
/** How often the log tells of progress while there is some. */
const PROGRESS_MS = 10_000;
const JOURNAL_AGAIN_MS = 1000;
const TIMING = { gatherMs: 2000, gatherMaxMs: 30_000, brokenMs: 1000 };

export class Master {
  readonly #config: MasterConfig;
  readonly #log: Logger;
  readonly #membership: Membership;
  #closing = false;
  readonly #journal: Journal;
  readonly #control: ControlServer;
  readonly #history = new History();
  readonly #pace = new Pace();
  readonly #keeper: Keeper;
  readonly #mirror: Mirror | null;
  readonly #metrics: LastMetrics;
  readonly #hooks: Hooks | null;
  #timer: NodeJS.Timeout | null = null;
  /** Runs while entries of the journal wait for room on the disk. */
  #unwritten: NodeJS.Timeout | null = null;
  #told = { at: 0, step: 0 };
  readonly #volume: OpenedVolume;
  /** The volume cannot be used, or its journal is refused, and the job has failed for it: nothing is written to it any more. */
  #refused = false;

  constructor(config: MasterConfig, log: Logger, volume: OpenedVolume, keys: MasterKeys) {
    this.#config = config;
    this.#log = log;
    this.#volume = volume;
    const { entries, skipped, poisoned } = volume;
    const folder = config.folders.state;
    this.#journal = new Journal(folder);
    this.#metrics = new LastMetrics(`${config.checkpoints.directory}/${METRICS}`);
    const { workers, standbys, minWorkers, heartbeatMs, hangMs, onStraggler } = config;
    const timing = { ...TIMING, silentMs: Math.max(60_000, hangMs) };
    this.#membership = resume(
      { workers, standbys, minWorkers, heartbeatMs, hangMs, onStraggler, ...timing },
      entries,
      config.container,
      now(),
    );
    if (poisoned !== undefined) refuseJournal(this.#membership, volume.path, poisoned);
    const { generation, members } = this.#membership.current;
    const unusable = volume.trouble !== null && !volume.blind && members.length === 0;
    this.#refused = poisoned !== undefined || unusable;
    if (isNewRun(entries, config.container)) {
      this.#remember({ type: 'run', container: config.container, at: now() });
    }
    log.info({ generation, state: this.#membership.state, entries: entries.length, skipped }, 'journal read');
    const { job, checkpoints: policy, scrubMs } = config;
    const tell = (entry: HistoryEntry) => this.#tell(entry);
    this.#mirror = config.s3 && new Mirror({ config: config.s3, policy, job, log, tell, ...this.#gate });
    const copied = (step: number) => this.#mirror?.holds(step) === true;
    this.#keeper = new Keeper({ policy, job, scrubMs, log, tell, copied });
    const news = { status: () => this.api.status(), events: () => this.#history.after(0) };
    const hooked = { run: config.container, folder: this.#refused ? null : folder, log, tell, ...news };
    this.#hooks = config.hooks && new Hooks({ config: config.hooks, ...hooked });
    this.#control = new ControlServer(config.job, keys, heartbeatMs, {
      hello: hello => this.#take({ type: 'hello', hello }),
      message: (id, incarnation, message) => {
        this.#take({ type: 'message', id, incarnation, message });
        if (message.type === 'heartbeat') {
          if (TRAINS.has(message.phase)) this.#pace.note(message);
          this.#logProgress();
        }
        if (message.type === 'checkpoint') this.#keeper.reported(message);
        if (message.type === 'checkpoint' && message.ok) this.#mirror?.published();
      },
      closed: (id, incarnation) => this.#take({ type: 'closed', id, incarnation }),
      supervisor: () => {
        const { state, reason, containers } = this.#membership;
        const restarts = Object.fromEntries([...(containers ?? [])].map(([id, fact]) => [id, fact.restarts]));
        this.#control.toSupervisor({ type: 'state', state, reason, restarts });
        const healthy = [...this.#membership.workers.values()].filter(w => w.healthy && w.connected);
        this.#control.toSupervisor({ type: 'healthy', workers: healthy.map(w => w.id) });
        log.info({ generation: this.#membership.current.generation }, 'supervisor connected');
      },
      containers: workers => this.#take({ type: 'containers', workers }),
      said: said => this.#take({ type: 'said', said }),
      refused: (address, reason) => log.warn({ address, reason }, 'link refused'),
    });
  }

  /** Listens, and lives until {@link close}. */
  async start(): Promise<void> {
    this.#hooks?.start();
    if (this.#volume.trouble !== null) return this.#startWithout(this.#volume.trouble);
    const { state, current } = this.#membership;
    const empty = isEmpty(this.#config.checkpoints.directory);
    this.#mirror?.start(empty && current.members.length === 0 && !hasEnded(state));
    await this.#listen();
    this.#keeper.start();
  }

  async #listen(): Promise<void> {
    await this.#control.listen(this.#config.controlPort);
    this.#tickLater();
  }

  #tickLater(): void {
    if (this.#closing) return;
    this.#timer = setTimeout(
      () => {
        this.#take({ type: 'tick' });
        this.#tickLater();
      },
      nextTick(this.#membership, now()),
    );
  }

  /**
   * The volume cannot be used. No training starts then; a job whose workers hold its state goes on without: they are asked.
   */
  async #startWithout(trouble: VolumeTrouble): Promise<void> {
    const reason = whatIsWrong(trouble);
    this.#take({ type: 'hold', reason });
    const alone = this.#refused;
    if (!alone) {
      await this.#listen();
      await sleep(this.#config.heartbeatMs);
      if ([...this.#membership.workers.values()].some(w => w.connected && w.holdsState)) {
        return this.#log.error(`${reason}. Training goes on, and nothing is saved. ${whatToDo(trouble)}`);
      }
    }
    this.#refused = true;
    const whole = `${reason}. ${whatToDo(trouble)}`;
    this.#log.error(whole);
    this.#take({ type: 'abandon', reason: whole });
    if (alone) await this.#listen();
  }

  /** Decides nothing any more: what a master that stops leaves in its journal is how things stand. */
  async close(): Promise<void> {
    this.#closing = true;
    if (this.#timer) clearTimeout(this.#timer);
    if (this.#unwritten) clearInterval(this.#unwritten);
    await this.#control.close();
    await this.#keeper.close();
    await Promise.all([this.#mirror?.close(), this.#hooks?.close()]);
    this.#journal.close();
  }

  get api(): Api {
    const { job, project, launcher } = this.#config;
    return {
      status: () => ({
        ...statusOf(this.#membership, this.#pace, { job, project, launcher }, now(), this.#keeper.damaged),
        s3: this.#mirror?.status() ?? null,
        volume: this.#refused ? this.#volume.trouble : null,
        lastMetrics: this.#metrics.line,
      }),
      look: () => this.#metrics.look(),
      events: after => this.#history.after(after),
      checkpoints: this.#keeper.manager,
      stop: () => this.#take({ type: 'stop', reason: 'stopped on request' }),
      defect: error => this.#log.error({ err: error }, 'a request could not be answered'),
    };
  }

  /** What a restore has to say to who forms generations. */
  get #gate() {
    return {
      hold: (reason: string | null) => this.#take({ type: 'hold', reason }),
      abandon: (reason: string) => this.#take({ type: 'abandon', reason }),
    };
  }

  #take(event: MembershipEvent): void {
    if (this.#closing) return;
    const effects = advance(this.#membership, event, now());
    for (const effect of effects) this.#carryOut(effect);
    if (this.#hooks !== null && effects.some(isNews)) this.#hooks.look();
  }

  #carryOut(effect: Effect): void {
    const { generation } = this.#membership.current;
    switch (effect.type) {
      case 'send':
        return this.#control.send(effect.to, effect.message);
      case 'drop':
        return this.#control.drop(effect.id);
      case 'fence': {
        const { worker, at, reason, hangs } = effect;
        this.#log.warn({ generation, worker, reason }, 'fence');
        return this.#control.toSupervisor({ type: 'fence', worker, at, reason, hangs });
      }
      case 'healthy':
        return this.#control.toSupervisor({ type: 'healthy', workers: [...effect.workers] });
      case 'state':
        return this.#control.toSupervisor({
          type: 'state',
          state: effect.state,
          reason: effect.reason,
          restarts: {},
        });
      case 'journal':
        return this.#remember(effect.entry);
      case 'history':
        return this.#tell(effect.entry);
    }
  }

  #tell(entry: HistoryEntry): void {
    const { generation } = this.#membership.current;
    const { level, text, worker, rank, step, detail } = this.#history.add(entry, generation, now());
    // What it is now, not what its container was made for.
    const standby = worker !== null && this.#membership.workers.get(worker)?.standby === true;
    this.#log[level](
      { generation, worker, ...(standby ? { role: 'standby' } : {}), rank, step, detail },
      text,
    );
  }

  /** A journal that cannot be written must not stop the training: the next master then asks the members. It is tried again. */
  #remember(entry: Parameters<Journal['append']>[0]): void {
    if (this.#refused) return;
    try {
      this.#journal.append(entry);
    } catch (error) {
      if (this.#unwritten) return;
      const { generation } = this.#membership.current;
      this.#log.error({ generation, err: error }, 'the journal cannot be written');
      this.#unwritten = setInterval(() => this.#flush(), JOURNAL_AGAIN_MS);
    }
  }

  #flush(): void {
    if (this.#refused) return;
    const entries = this.#journal.waiting;
    try {
      this.#journal.flush();
    } catch {
      return;
    }
    if (this.#unwritten) clearInterval(this.#unwritten);
    this.#unwritten = null;
    this.#log.info({ entries }, 'the journal is written again');
  }

  #logProgress(): void {
    const at = now();
    if (at - this.#told.at < PROGRESS_MS) return;
    const { step, totalSteps, loss, samplesPerSecond, generation } = this.api.status();
    if (step === null || step === this.#told.step) return;
    this.#told = { at, step };
    this.#log.info({ generation, step, loss, samplesPerSecond }, `step ${step} of ${totalSteps ?? '?'}`);
  }
}
