/** Commands of the host that hear of a job while `ftc up` runs. One runs at a time; recoveries meanwhile are told as one. */
import type { Moment } from '../client/follow.ts';
import { type HookName, type Hooks, withCommands } from '../job/hooks.ts';
import { type Happening, happenings, nothingSeen, type Seen } from '../api/happenings.ts';
import { type Payload, payloadOf, together } from '../api/hook-payload.ts';
import type { JobEvent } from '../api/event.ts';
import type { Status } from '../api/status.ts';
import { visibleJson } from '../shared/visible.ts';
import { runCommand } from './run-command.ts';

const TIMEOUT_MS = 60_000;
const GRACE_MS = 5_000;

export interface HookCommandsOptions {
  readonly hooks: Hooks;
  /** Where commands run: the folder of the job file. */
  readonly folder: string;
  /** The hostname of the master's container, as the master knows itself. */
  readonly run: () => Promise<string>;
  readonly env?: NodeJS.ProcessEnv;
  readonly timeoutMs?: number;
  readonly graceMs?: number;
}

export class HookCommands {
  readonly #o: HookCommandsOptions;
  readonly #names: ReadonlySet<HookName>;
  readonly #ending = new AbortController();
  #seen: Seen = nothingSeen;
  #events: Partial<Record<JobEvent['kind'], number>> = {};
  #waiting: Payload[] = [];
  #running: Promise<void> | null = null;
  #stopped = false;
  #say: (line: string) => void = () => undefined;

  constructor(o: HookCommandsOptions) {
    this.#o = o;
    this.#names = new Set(withCommands(o.hooks));
  }

  /** Where their output goes, line by line. */
  printTo(say: (line: string) => void): void {
    this.#say = say;
  }

  /** Starts what the job's news ask for. */
  look({ status, events }: Moment): void {
    for (const { kind, seq } of events) this.#events[kind] = seq;
    if (status === null || this.#stopped) return;
    const { seen, found } = happenings(this.#seen, status);
    this.#seen = seen;
    const wanted = found.filter(({ hook }) => this.#names.has(hook));
    if (wanted.length > 0) this.#running = this.#tell(wanted, status, this.#running);
  }

  /** Starts no more; what runs may finish until {@link end}. */
  stop(): void {
    this.#stopped = true;
    this.#waiting = [];
  }

  /** Until all that was to run has ended. */
  async idle(): Promise<void> {
    for (let running = this.#running; running !== null; running = this.#running) {
      await running;
      if (running === this.#running) return;
    }
  }

  /** Ends what runs. */
  async end(): Promise<void> {
    this.stop();
    this.#ending.abort();
    await this.idle();
  }

  async #tell(found: readonly Happening[], status: Status, before: Promise<void> | null): Promise<void> {
    const at = Date.now();
    const run = await this.#o.run().catch(() => '');
    for (const happening of found) {
      const event = this.#events[happening.hook === 'onRecovery' ? 'recovered' : 'state'] ?? null;
      this.#waiting = queued(this.#waiting, payloadOf(happening, status, { run, event, at }));
    }
    await before;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift())
      await this.#run(next);
  }

  async #run(payload: Payload): Promise<void> {
    const { hooks, folder, env = process.env, timeoutMs = TIMEOUT_MS, graceMs = GRACE_MS } = this.#o;
    const { hook } = payload;
    for (const one of hooks[hook]) {
      if (one.kind !== 'command' || this.#stopped) continue;
      const problem = await runCommand(one.command, {
        cwd: folder,
        env: { ...env, ...variablesOf(payload) },
        input: `${visibleJson(payload)}\n`,
        timeoutMs,
        graceMs,
        signal: this.#ending.signal,
        onLine: line => this.#say(`  hooks.${hook}: ${line}`),
      });
      if (problem !== null) this.#say(`! the command of hooks.${hook} ${problem}`);
    }
  }
}

/** Recoveries that wait are told together. Pure. */
export function queued(waiting: readonly Payload[], payload: Payload): Payload[] {
  const at = payload.hook === 'onRecovery' ? waiting.findIndex(({ hook }) => hook === 'onRecovery') : -1;
  const other = waiting[at];
  if (other === undefined) return [...waiting, payload];
  return waiting.map(one => (one === other ? together(other, payload) : one));
}

/** What a small script needs, without reading JSON. No name is one that a command of ftc's reads. Pure. */
export function variablesOf(payload: Payload): Record<string, string> {
  const text = (value: string | number | null): string => String(value ?? '').replaceAll('\0', ' ');
  return {
    FTC_HOOK: payload.hook,
    FTC_HOOK_ID: payload.id,
    FTC_HOOK_KIND: payload.kind,
    FTC_HOOK_TEXT: text(payload.text),
    FTC_HOOK_JOB: payload.job,
    FTC_HOOK_STATE: payload.state,
    FTC_HOOK_REASON: text(payload.reason),
    FTC_HOOK_STEP: text(payload.step),
    FTC_HOOK_COUNT: text(payload.count),
  };
}
