/** Of how often something happened: a scenario that breaks too little proves nothing, and one may claim that nothing came of it. */
import type { Evidence } from '../evidence/evidence.ts';
import { hypothesis, many } from './hypothesis.ts';
import { countClaim, counted, isWithin, type Counted } from './limits.ts';

export const losses = hypothesis<Counted>({
  limit: counted('Workers that are lost while they hold a rank.'),
  claim: limit => `workers lost: ${countClaim(limit)}`,
  judge(limit, { recoveries, missed }) {
    const n = recoveries.reduce((sum, r) => sum + r.lost.length, 0);
    return { holds: within(n, limit, missed), seen: n === 0 ? 'none' : many(n, 'worker') };
  },
});

export const promotions = hypothesis<Counted>({
  limit: counted('Standbys that take the rank of one that is lost, before another step is made.'),
  claim: limit => `standbys that take over: ${countClaim(limit)}`,
  judge(limit, { recoveries, missed }) {
    // The first step after the loss had all ranks: nobody could have started a container by then.
    const taken = recoveries.filter(r => r.wholeMs !== null && r.wholeMs === r.resumedMs);
    const n = taken.reduce((sum, r) => sum + r.lost.length, 0);
    return { holds: within(n, limit, missed), seen: n === 0 ? 'none' : many(n, 'time') };
  },
});

export const setAside = hypothesis<Counted>({
  limit: counted('Damaged checkpoints that are found and quarantined.'),
  claim: limit => `damaged checkpoints quarantined: ${countClaim(limit)}`,
  judge(limit, { checkpoints, missed }) {
    const aside = checkpoints.filter(c => c.what === 'set aside').map(c => c.step);
    const seen = aside.length === 0 ? 'none' : `of ${aside.map(step => `step ${step}`).join(', ')}`;
    return { holds: within(aside.length, limit, missed), seen };
  },
});

/** Too few, where not everything was broken that was to be, says nothing. */
function within(n: number, limit: Counted, missed: Evidence['missed']): boolean | null {
  return missed.length > 0 && n < (limit.atLeast ?? 0) ? null : isWithin(n, limit);
}
