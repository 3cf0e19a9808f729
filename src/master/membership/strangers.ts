/**
 * Who says hello need not be a worker of the job: whoever reaches the link can. What would end the job, or change what it counts,
 * is believed from members of the current generation and from workers whose containers the supervisor lists; and nobody may
 * name a number far ahead of what the job knows.
 */
import type { WorkerHello } from '../../protocol/inbound.ts';
import type { WorkerMessage } from './events.ts';
import type { Membership, Worker } from './state.ts';
import { holder, isMember, rankOf } from './state.ts';

/** The journal loses its end on a full disk, and training goes on meanwhile: so many generations may be missing. */
const GENERATIONS_AHEAD = 1000;
/** A master that was away for long, or has no journal, hears of many steps at once. */
const STEPS_AHEAD = 1e9;
/** Workers of whom no container is known and that are gone. */
const MOST_GONE = 64;

/** Before the supervisor has said which containers there are, everybody is. */
export function isKnown(m: Membership, id: string): boolean {
  return m.containers === null || m.containers.has(id) || isMember(m, id);
}

/** Whether what `w` says counts. A member's place is not taken by who uses its name. */
function counts(m: Membership, w: Worker): boolean {
  const member = m.current.members[rankOf(m, w.id)];
  if (member !== undefined && m.containers !== null) return holder(m, member) === w || m.containers.has(w.id);
  return isKnown(m, w.id);
}

const DECISIVE: ReadonlySet<WorkerMessage['type']> = new Set([
  'failed',
  'finishing',
  'done',
  'script',
  'diverged',
]);

/** True for what a stranger may not say. */
export const isUnheard = (m: Membership, w: Worker, { type }: WorkerMessage): boolean =>
  DECISIVE.has(type) && !counts(m, w);

/** Why a number cannot be; null where it can. */
export function tooFar(m: Membership, said: WorkerHello | WorkerMessage): string | null {
  const { generation = null, step = 0 } = said as { generation?: number | null; step?: number };
  if (generation !== null && generation > m.current.generation + GENERATIONS_AHEAD) {
    return `generation ${generation} is more than ${GENERATIONS_AHEAD} ahead of the job's, ${m.current.generation}`;
  }
  if (step > m.bestStep + STEPS_AHEAD)
    return `step ${step} is more than ${STEPS_AHEAD} ahead of the job's, ${m.bestStep}`;
  return null;
}

/** Forgets those of the longest past: ids are as many as who invents them likes. */
export function forgetStrangers(m: Membership): void {
  // Now and then: who says hello must cost the same however many workers there are.
  if (m.workers.size % MOST_GONE !== 0) return;
  const gone = [...m.workers.values()].filter(
    w => !w.connected && !isMember(m, w.id) && m.containers?.has(w.id) !== true,
  );
  gone.sort((a, b) => b.lastSeen - a.lastSeen);
  for (const w of gone.slice(MOST_GONE)) m.workers.delete(w.id);
}
