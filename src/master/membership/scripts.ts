/**
 * Scripts that know nothing of ftc: a launcher runs one on every member and says when it starts and ends there. Nobody
 * commits steps. Whoever is lost takes all with it: every script starts again in the next generation, also one that had
 * ended before. The job is done when all have ended in one and the same generation.
 */
import type { Effect } from './events.ts';
import { end } from './effects.ts';
import type { WorkerMessage } from './events.ts';
import * as recoveries from './recoveries.ts';
import type { Membership, Worker } from './state.ts';
import { attached } from './state.ts';

type Said = Extract<WorkerMessage, { type: 'script' }>;

/** Takes what a launcher says. What it says of another generation is too late to count. */
export function note(m: Membership, w: Worker, said: Said): Effect[] {
  if (said.generation !== m.current.generation) return [];
  w.script = { generation: said.generation, state: said.state };
  w.phase = said.state === 'started' ? 'running' : 'finishing';
  m.established.add(w.id);
  return attached(m).every(x => m.established.has(x.id)) ? recoveries.restarted(m, said.at) : [];
}

/** Scripts that know nothing of ftc run: with a change of size all of them start again. */
export const any = (m: Membership): boolean => attached(m).some(w => w.script !== null);

/** When those go on whom somebody left: a script may save first, as nobody was lost. ftc's own stand at a boundary already. */
export const partings = (m: Membership): 'now' | 'boundary' => (any(m) ? 'boundary' : 'now');

/** Somebody's script has ended in the current generation: who joined now would start everybody's again. */
export function someEnded(m: Membership): boolean {
  return attached(m).some(w => hasEnded(m, w));
}

/** Ends the job when the scripts of all members have ended, in this generation. */
export function finish(m: Membership): Effect[] | null {
  const { members } = m.current;
  const first = members[0];
  // Looked at first, because it is asked after every event.
  if (first === undefined || m.workers.get(first.id)?.script?.state !== 'ended') return null;
  const here = attached(m);
  if (here.length < members.length) return null;
  return here.every(w => hasEnded(m, w)) ? end(m, 'succeeded', null) : null;
}

function hasEnded(m: Membership, { script }: Worker): boolean {
  return script?.state === 'ended' && script.generation === m.current.generation;
}
