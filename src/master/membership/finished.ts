/** Training that the script ended early: the step at which it did is the job's total from then on. */
import type { Effect, WorkerMessage } from './events.ts';
import { history } from './effects.ts';
import type { Membership } from './state.ts';

/** Takes a member's word that it is past the loop; without a reason the loop came to its end. */
export function finishedEarly(
  m: Membership,
  { step, reason }: Extract<WorkerMessage, { type: 'finishing' }>,
): Effect[] {
  if (reason === null || (m.finished === reason && m.totalSteps === step)) return [];
  m.finished = reason;
  m.totalSteps = step;
  return [
    { type: 'journal', entry: { type: 'total', totalSteps: step, finished: reason } },
    history('info', { what: 'training-ended-early', step, reason }, { step }),
  ];
}
