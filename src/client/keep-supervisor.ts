/**
 * The engine does not start a container again that was killed through its API, and nobody supervises the supervisor. While
 * somebody watches a job, the watcher does.
 */
import type { Hands } from '../runtime/hands.ts';

/** Starts the job's supervisor if it is down. True when it did. Errors are the caller's next look's business. */
export async function keepSupervisor(hands: Hands): Promise<boolean> {
  const supervisor = (await hands.list()).find(c => c.role === 'supervisor');
  if (supervisor?.state !== 'exited') return false;
  await hands.start(supervisor.id);
  return true;
}
