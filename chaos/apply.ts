/** Applies one act to a job's containers: finds whom it is for, and does it. */
import type { Connection } from '../src/docker/connect.ts';
import type { Container, Role } from '../src/docker/engine.ts';
import { FtcError } from '../src/errors.ts';
import type { Status } from '../src/master/status.ts';
import { candidates } from './candidates.ts';
import { faults } from './faults/index.ts';
import type { ContainerAct } from './plan.ts';
import { select, type Candidate } from './select.ts';

export interface Hit {
  readonly container: Container;
  readonly role: Role;
  /** Null for a standby, a worker that is starting, and what is no worker. */
  readonly rank: number | null;
}

/** Whom the engine refused to hit; there is another try. */
const REFUSALS: readonly string[] = ['FTC_NO_TARGET', 'FTC_NOT_RUNNING', 'FTC_ENGINE_FAILED'];

/** Those who were hit; null while nobody is there whom the act is for. */
export async function apply(
  { engine }: Pick<Connection, 'engine'>,
  act: ContainerAct,
  status: Status,
  seed: number,
): Promise<Hit[] | null> {
  const chosen = choose(act, await engine.list(status.project), status, seed);
  if (chosen.length === 0) return null;
  try {
    await Promise.all(chosen.map(({ container }) => faults[act.kind].apply(engine, container)));
  } catch (error) {
    if (error instanceof FtcError && REFUSALS.includes(error.code)) return null;
    throw error;
  }
  return chosen;
}

/** Undoes a fault that lasts for a while. What died meanwhile, or was removed, needs nothing. */
export async function revert(
  { engine }: Pick<Connection, 'engine'>,
  act: ContainerAct,
  hits: readonly Hit[],
): Promise<void> {
  await Promise.all(hits.map(({ container }) => faults[act.kind].revert(engine, container)));
}

/** Pure. Containers of another project are never chosen, whatever is handed in. */
export function choose(
  act: Pick<ContainerAct, 'target' | 'rank'>,
  all: readonly Container[],
  status: Status,
  seed: number,
): Hit[] {
  const { target } = act;
  if (target === 'master' || target === 'supervisor') {
    return all
      .filter(c => c.project === status.project && c.role === target && c.state === 'running')
      .map(container => ({ container, role: target, rank: null }));
  }
  const there = candidates(all, status);
  const chosen = chooseWorkers(target, act.rank, there, status, seed);
  return chosen.map(({ container, rank }) => ({ container, rank, role: 'worker' }));
}

function chooseWorkers(
  target: 'worker' | 'standby' | 'all',
  rank: number | null,
  there: readonly Candidate[],
  status: Status,
  seed: number,
): Candidate[] {
  if (target === 'all') return [...there];
  const rows = new Map(status.workers.map(w => [w.id, w]));
  if (target === 'standby') {
    const standbys = there.filter(c => rows.get(c.container.hostname)?.role === 'standby');
    return standbys.length === 0 ? [] : select(standbys, { seed });
  }
  const ranks = there.filter(c => c.rank !== null);
  if (rank !== null) return ranks.filter(c => c.rank === rank);
  const holders = ranks.filter(c => (rows.get(c.container.hostname)?.step ?? -1) >= (status.step ?? 0) - 1);
  // Whoever is hit, one is left who holds the state. That nobody is: that is what "all" is for.
  const enough = status.target > 1 ? holders.length > 1 : ranks.length > 0;
  return enough ? select(ranks, { seed }) : [];
}
