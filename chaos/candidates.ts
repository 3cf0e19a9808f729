/** Whom a fault could hit. Pure. */
import type { Container } from '../src/docker/engine.ts';
import type { Status } from '../src/master/status.ts';
import type { Candidate } from './select.ts';

/** The project's worker containers that run, in Compose's order, with the rank that each holds. Others are never among them. */
export function candidates(
  containers: readonly Container[],
  status: Pick<Status, 'project' | 'workers'>,
): Candidate[] {
  const ranks = new Map(status.workers.map(w => [w.id, w.rank]));
  return containers
    .filter(c => c.project === status.project && c.role === 'worker' && c.state === 'running')
    .map(container => ({ container, rank: ranks.get(container.hostname) ?? null }));
}
