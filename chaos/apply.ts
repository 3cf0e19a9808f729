/** Applies one act of a plan to a job that runs: finds whom it is for, and does it. */
import type { Replica } from '../src/runtime/replica.ts';
import type { Hands } from '../src/runtime/hands.ts';
import { FtcError } from '../src/errors.ts';
import type { Status } from '../src/api/status.ts';
import type { Hit } from './faults/fault.ts';
import { faultNamed } from './faults/index.ts';
import type { Infliction } from './infliction.ts';
import type { FaultAct } from './plan.ts';
import { choose, everybody } from './select.ts';
import type { Session } from './session.ts';

/** Whom the engine refused to hit; there is another try. */
const REFUSALS: readonly string[] = ['FTC_NO_TARGET', 'FTC_NOT_RUNNING', 'FTC_ENGINE_FAILED'];

/** Null while nobody is there whom the act is for. @throws FtcError FTC_CANNOT, FTC_ENGINE_GONE */
export async function apply(
  hands: Hands,
  session: Session,
  act: FaultAct,
  status: Status,
  seed: number,
): Promise<Infliction | null> {
  const job = everybody(await hands.list(), status.project, status);
  try {
    const hits = wanted(act, job, status, seed);
    const { params, forMs } = act;
    return await session.inflict({ fault: faultNamed(act.fault), params, hits, job, forMs, seed });
  } catch (error) {
    if (error instanceof FtcError && REFUSALS.includes(error.code)) return null;
    throw error;
  }
}

/** Pure. Containers of another project are never chosen, whatever is handed in. @throws FtcError FTC_NO_TARGET */
export function targetsOf(act: FaultAct, all: readonly Replica[], status: Status, seed: number): Hit[] {
  return wanted(act, everybody(all, status.project, status), status, seed);
}

function wanted({ target, rank }: FaultAct, job: readonly Hit[], status: Status, seed: number): Hit[] {
  const ranks = rank === null ? undefined : [rank];
  // A worker that only starts is no worker that trains.
  const pool = target === 'worker' ? job.filter(h => h.role !== 'worker' || h.rank !== null) : job;
  return choose({ target, ranks, spare: target === 'worker' && rank === null, seed }, pool, status);
}
