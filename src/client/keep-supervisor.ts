/**
 * The engine does not start a container again that was killed through its API, and nobody supervises the supervisor. While
 * somebody watches a job, the watcher does.
 */
import type { Engine } from '../runtime/docker/engine.ts';

/** Starts the project's supervisor if it is down. True when it did. Errors are the caller's next look's business. */
export async function keepSupervisor(engine: Engine, project: string): Promise<boolean> {
  const supervisor = (await engine.list(project)).find(c => c.role === 'supervisor');
  if (supervisor?.state !== 'exited') return false;
  await engine.start(supervisor.id);
  return true;
}
