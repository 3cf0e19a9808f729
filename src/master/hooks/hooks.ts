/** The shell around the hooks' decisions: looks at the job, keeps what waits on the disk, and sends it. Decides nothing. */
import type { HookName } from '../../job/hooks.ts';
import { now } from '../../shared/clock.ts';
import { HOOKS_FILE } from '../../shared/hooks-file.ts';
import type { Logger } from '../../shared/log.ts';
import { visibleJson } from '../../shared/visible.ts';
import type { Effect, HistoryEntry } from '../membership/events.ts';
import type { Fact } from '../../api/fact.ts';
import type { JobEvent } from '../../api/event.ts';
import type { Status } from '../../api/status.ts';
import { type Happening, happenings, nothingSeen, type Seen } from '../../api/happenings.ts';
import { readLedger, writeLedger } from './ledger.ts';
import { payloadOf } from '../../api/hook-payload.ts';
import { post } from './post.ts';
import * as queues from './queue.ts';
import { type HookUrls, readHookUrls } from './urls.ts';

/** A master that is stopped has so long for what waits. Milliseconds. */
const CLOSE_MS = 3000;

export interface HooksConfig {
  /** Those that the job file gives a URL. */
  readonly names: readonly HookName[];
  readonly caBundle: string | null;
}

export interface HooksOptions {
  readonly config: HooksConfig;
  /** This container, which tells runs of the job apart. */
  readonly run: string;
  /** The journal's folder; null where nothing may be written. */
  readonly folder: string | null;
  readonly log: Logger;
  readonly tell: (entry: HistoryEntry) => void;
  readonly status: () => Status;
  readonly events: () => readonly JobEvent[];
  /** Another file of URLs, for tests. */
  readonly file?: string;
}

/** Whether a look at the job may find something new. Pure. */
export const isNews = (effect: Effect): boolean =>
  effect.type === 'state' || (effect.type === 'history' && effect.entry.fact.what === 'resumed');

export class Hooks {
  readonly #o: HooksOptions;
  readonly #urls: HookUrls;
  #seen: Seen;
  #queue: queues.Queue;
  #timer: NodeJS.Timeout | null = null;
  /** Writing, one after the other. */
  #kept: Promise<void> = Promise.resolve();
  #sending = new Set<Promise<void>>();
  readonly #ending = new AbortController();
  #closed = false;

  constructor(o: HooksOptions) {
    this.#o = o;
    const { urls, problem } = readHookUrls(o.config.names, o.file ?? HOOKS_FILE);
    this.#urls = urls;
    const ledger = o.folder === null ? null : readLedger(o.folder, o.run);
    this.#seen = ledger?.seen ?? nothingSeen;
    const left = (ledger?.unsent ?? []).filter(({ payload, to }) => urls[payload.hook][to] !== undefined);
    this.#queue = queues.restored(left, now());
    if (problem !== null) this.#warn(problem);
  }

  /** Sends what the master before did not, and notices what it did not. */
  start(): void {
    this.look();
    this.#pump();
  }

  /** Looks at the job's status for what is new. */
  look(): void {
    if (this.#closed) return;
    const status = this.#o.status();
    const { seen, found } = happenings(this.#seen, status);
    if (found.length === 0) return;
    this.#seen = seen;
    for (const happening of found) {
      const payload = payloadOf(happening, status, {
        run: this.#o.run,
        event: this.#eventOf(happening),
        at: now(),
      });
      this.#queue = queues.add(this.#queue, payload, this.#urls[payload.hook].length, now());
    }
    // First on the disk: what is sent twice has one id, and nothing is left out.
    void this.#keep().then(() => this.#pump());
  }

  /** Gives what waits one more try, and not much time. What is not delivered stays on the disk. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#kept;
    this.#queue = queues.hurried(this.#queue);
    this.#pump();
    const timer = setTimeout(() => this.#ending.abort(), CLOSE_MS);
    while (this.#sending.size > 0) await Promise.all(this.#sending);
    clearTimeout(timer);
    if (this.#timer) clearTimeout(this.#timer);
    await this.#kept;
  }

  #pump(): void {
    if (this.#timer) clearTimeout(this.#timer);
    const { queue, start, wakeAt } = queues.due(this.#queue, now());
    this.#queue = queue;
    for (const item of start) {
      const sending = this.#send(item).finally(() => this.#sending.delete(sending));
      this.#sending.add(sending);
    }
    if (wakeAt === null || this.#closed) return;
    this.#timer = setTimeout(() => this.#pump(), Math.max(1, wakeAt - now())).unref();
  }

  async #send(item: queues.Item): Promise<void> {
    const { payload, to } = item;
    const url = this.#urls[payload.hook][to] ?? '';
    const host = new URL(url).host;
    const { caBundle } = this.#o.config;
    const { outcome, text } = await post(url, visibleJson(payload), {
      caBundle,
      signal: this.#ending.signal,
    });
    // The next master tries again, and counts anew.
    if (this.#closed && outcome === 'later') return;
    const { queue, lost } = queues.tried(this.#queue, item, outcome, now(), Math.random());
    this.#queue = queue;
    const about = { hook: payload.hook, host, id: payload.id, tries: item.tries + 1 };
    if (lost) {
      const { hook } = payload;
      this.#warn({ what: 'hook-undelivered', hook, host, tries: item.tries + 1, outcome: text });
    } else if (outcome === 'delivered') this.#o.log.info(about, `${payload.hook} is delivered`);
    else this.#o.log.info(about, `${payload.hook} is tried again: ${host} ${text}`);
    if (outcome === 'delivered' || lost) await this.#keep();
    this.#pump();
  }

  #keep(): Promise<void> {
    const { folder, run } = this.#o;
    if (folder === null) return Promise.resolve();
    this.#kept = this.#kept.then(async () => {
      const unsent = this.#queue.items.map(({ payload, to }) => ({ payload, to }));
      try {
        await writeLedger(folder, { run, seen: this.#seen, unsent });
      } catch (error) {
        // Training does not need it: at worst something is sent twice.
        this.#o.log.warn({ err: error }, 'what waits for hooks cannot be written');
      }
    });
    return this.#kept;
  }

  #eventOf({ hook }: Happening): number | null {
    const kind = hook === 'onRecovery' ? 'recovered' : 'state';
    return this.#o.events().findLast(event => event.kind === kind)?.seq ?? null;
  }

  #warn(fact: Fact): void {
    this.#o.tell({ level: 'warn', fact, worker: null, rank: null, step: null });
  }
}
