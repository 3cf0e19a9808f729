/** Reads what a worker's log tells: the stacks of one that is about to be killed, the last lines of one that has died. */
import type { Replica } from '../runtime/replica.ts';
import type { Hands } from '../runtime/hands.ts';
import type { Said } from '../protocol/inbound.ts';
import type { Logger } from '../shared/log.ts';
import { LAST_LINES, lastLines, STACK_LINES, stackIn } from './last-words.ts';

export interface WitnessOptions {
  readonly hands: Hands;
  readonly log: Logger;
  readonly now: () => number;
  said(said: Omit<Said, 'type'>): void;
}

/** How long a worker has to show its threads, and how often its log is looked at, milliseconds. */
const PATIENCE_MS = 1000;
const LOOK_MS = 50;

export class Witness {
  readonly #o: WitnessOptions;
  /** Deaths before that were another supervisor's to tell. */
  readonly #since: number;
  /** Runs of which something has been told: when each ended or, by its start, was shown. */
  #told = new Map<string, number>();

  constructor(options: WitnessOptions) {
    this.#o = options;
    this.#since = options.now();
  }

  /** Asks a worker for its stacks, and tells them. It takes a second at most, also where nothing can be had. */
  async stacks({ id, hostname: worker, startedAt }: Replica): Promise<void> {
    const { hands, now, log } = this.#o;
    try {
      const before = stackIn(await hands.tail(id, STACK_LINES));
      await hands.kill(id, 'SIGQUIT');
      const end = now() + PATIENCE_MS;
      for (let seen = before; now() < end;) {
        await new Promise(resolve => setTimeout(resolve, LOOK_MS));
        const stack = stackIn(await hands.tail(id, STACK_LINES));
        // It is written piece by piece: whole when nothing is added any more.
        if (stack !== null && stack !== before && stack === seen) {
          this.#told.set(id, startedAt ?? 0);
          return this.#o.said({ worker, what: 'stack', text: stack });
        }
        seen = stack;
      }
    } catch (error) {
      log.debug({ err: error, worker }, 'its stacks could not be read');
    }
  }

  /** Tells the last lines of those that have died since it looked last. Nobody waits for that. */
  look(containers: readonly Replica[]): void {
    const ids = new Set(containers.map(({ id }) => id));
    for (const id of this.#told.keys()) if (!ids.has(id)) this.#told.delete(id);
    for (const c of containers) if (isDead(c) && this.#isNews(c)) void this.#lines(c);
  }

  /** Of a run whose stacks were told there is nothing more to say. */
  #isNews({ id, startedAt, finishedAt }: Replica): boolean {
    const at = finishedAt ?? 0;
    const told = this.#told.get(id) ?? -1;
    if (at < this.#since || told === at || told === (startedAt ?? 0)) return false;
    this.#told.set(id, at);
    return true;
  }

  async #lines({ id, hostname: worker }: Replica): Promise<void> {
    try {
      const text = lastLines(await this.#o.hands.tail(id, LAST_LINES));
      if (text !== '') this.#o.said({ worker, what: 'lines', text });
    } catch (error) {
      this.#o.log.debug({ err: error, worker }, 'its last lines could not be read');
    }
  }
}

const isDead = ({ role, state, exitCode }: Replica): boolean =>
  role === 'worker' && (state === 'exited' || state === 'dead') && exitCode !== 0;
