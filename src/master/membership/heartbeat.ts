/** What a heartbeat tells: where a worker stands, and where the job does. It must cost the same however many workers there are. */
import type { Effect, WorkerMessage } from './events.ts';
import { isKnown } from './strangers.ts';
import * as replicas from './replicas.ts';
import type { Membership, Worker } from './state.ts';
import * as stragglers from './stragglers.ts';

type Heartbeat = Extract<WorkerMessage, { type: 'heartbeat' }>;

export function heartbeat(m: Membership, w: Worker, msg: Heartbeat, now: number): Effect[] {
  if (msg.phase !== w.phase || msg.step !== w.step || msg.generation !== w.generation) {
    w.since = now - msg.phaseMs;
  }
  stragglers.note(w.speed, msg.step, msg.computeMs, msg.slices, now);
  w.phase = msg.phase;
  w.generation = msg.generation;
  if (msg.step >= m.bestStep && msg.step > 0 && isKnown(m, w.id)) {
    m.loss = msg.loss;
    m.epoch = msg.epoch;
    m.skipped = msg.skipped;
  }
  progress(m, w, msg.step);
  return replicas.checked(m, w, msg);
}

export function progress(m: Membership, w: Worker, step: number): void {
  w.step = step;
  if (isKnown(m, w.id)) m.bestStep = Math.max(m.bestStep, step);
}
