/**
 * What the workers' checks of their replicas come to. All members of a generation make a check together, and each counts it,
 * so the job's number of checks is that of the process that has seen most of them. A process goes on counting where the job
 * stood before its first check. So the number grows when processes are replaced, and never counts one check twice.
 */
import type { WorkerHello } from '../../protocol/inbound.ts';
import type { FactOf } from '../../api/fact.ts';
import type { Mismatch } from '../../api/replicas.ts';
import { type Checks, count } from './replica-counts.ts';
import type { Effect, WorkerMessage } from './events.ts';
import { history } from './effects.ts';
import type { Membership, Worker } from './state.ts';
import { nameOf, rankOf } from './state.ts';

type Said<Type extends WorkerMessage['type']> = Extract<WorkerMessage, { type: Type }>;

/** More workers than this are not named one by one. */
const MOST_NAMED = 8;

/** Of a process that says hello for the first time to this master. */
export function checksOf({ replicas }: Membership, h: WorkerHello): Checks {
  const fresh = h.generation === null && h.step === 0;
  const before = replicas.before.get(h.incarnation) ?? (fresh ? replicas.checks : 0);
  return { own: 0, before, fresh, step: null };
}

/** Takes what a heartbeat tells of checks. */
export function checked({ replicas: r }: Membership, w: Worker, said: Said<'heartbeat'>): Effect[] {
  const { checks } = w;
  checks.step = said.checkedStep;
  if (said.checkedStep !== null) r.checkedStep = Math.max(r.checkedStep ?? 0, said.checkedStep);
  if (said.checks === 0 && checks.own === 0 && checks.fresh) checks.before = r.checks;
  const first = checks.own === 0 && said.checks > 0;
  checks.own = Math.max(checks.own, said.checks);
  r.checks = Math.max(r.checks, checks.before + checks.own);
  if (!first || checks.before === 0 || r.before.has(w.incarnation)) return [];
  const { incarnation } = w;
  return [{ type: 'journal', entry: { type: 'checks', incarnation, before: checks.before } }];
}

/** Replicas differ. Every member says so; the first to arrive counts. */
export function diverged(m: Membership, said: Said<'diverged'>, now: number): Effect[] {
  const { generation, step, fromStep, tensor, position, workers, action, toStep } = said;
  const mismatch = { generation, step, fromStep, tensor, position, workers, action, toStep, at: now };
  if (!count(m.replicas, mismatch)) return [];
  const [only, ...others] = workers;
  const alone = only !== undefined && others.length === 0;
  const rank = alone ? rankIn(m, said, only) : null;
  return [
    { type: 'journal', entry: { type: 'diverged', mismatch } },
    history(
      action === 'failed' ? 'error' : 'warn',
      { what: 'replicas-differ', ...mismatch, ...named(m, mismatch) },
      { worker: alone ? only : null, rank, step },
    ),
  ];
}

/** Those that are named one by one, and how many members agree with each other. */
function named(m: Membership, x: Mismatch): Pick<FactOf<'replicas-differ'>, 'named' | 'others'> {
  const { generation, members } = m.current;
  return {
    named: x.workers.slice(0, MOST_NAMED).map(id => ({ name: nameOf(m, id), rank: rankIn(m, x, id) })),
    others: x.generation === generation ? members.length - x.workers.length : null,
  };
}

/** Ranks are known of the current generation only. */
function rankIn(m: Membership, { generation }: Pick<Mismatch, 'generation'>, id: string): number | null {
  const rank = generation === m.current.generation ? rankOf(m, id) : -1;
  return rank === -1 ? null : rank;
}
