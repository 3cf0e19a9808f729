/** Puts the job in order again when the method is through. */
import type { Hands } from '../../src/runtime/hands.ts';
import type { Status } from '../../src/api/status.ts';
import { now } from '../../src/shared/clock.ts';
import type { Scaler } from '../../src/trial/scaler.ts';
import type { Recorder } from '../evidence/recorder.ts';
import { describeRollback, type Rollback } from './scenario.ts';

interface Healer {
  readonly isThrough: boolean;
  readonly isQuiet: boolean;
  heal(): Promise<void>;
}

interface Tools {
  readonly hands: Hands;
  readonly recorder: Recorder;
  readonly scaler: Scaler;
  readonly breaker: Healer;
}

export class Rollbacks {
  readonly #tools: Tools;
  readonly #list: readonly Rollback[];
  #done: Promise<void> | null = null;
  #isDone = false;

  constructor(tools: Tools, list: readonly Rollback[]) {
    this.#tools = tools;
    this.#list = list;
    this.#isDone = list.length === 0;
  }

  /** It is this one's business to start it, and it has not yet. */
  willStart(role: 'supervisor'): boolean {
    return !this.#isDone && this.#list.some(r => r.kind === 'start' && r.role === role);
  }

  /** Begins when nothing is to come, and what lasts is over or is to be undone here. */
  look(status: Status | null, { isThrough, isQuiet }: Pick<Healer, 'isThrough' | 'isQuiet'>): void {
    if (this.#done || this.#isDone || !status || !isThrough) return;
    if (isQuiet || this.#list.some(r => r.kind === 'heal')) this.#done = this.#all();
  }

  async close(): Promise<void> {
    await this.#done;
  }

  async #all(): Promise<void> {
    const { recorder } = this.#tools;
    for (const rollback of this.#list) {
      const error = await this.#one(rollback).then(
        () => null,
        (reason: unknown) => (reason as Error).message,
      );
      recorder.rolledBack(now(), describeRollback(rollback), error);
    }
    this.#isDone = true;
  }

  async #one(rollback: Rollback): Promise<void> {
    const { hands, scaler, breaker } = this.#tools;
    if (rollback.kind === 'heal') return breaker.heal();
    if (rollback.kind === 'scale') {
      scaler.scale(rollback.workers);
      return scaler.settled();
    }
    const down = (await hands.list()).filter(
      c => c.role === rollback.role && c.state !== 'running' && c.state !== 'paused',
    );
    await Promise.all(down.map(c => hands.start(c.id)));
  }
}
