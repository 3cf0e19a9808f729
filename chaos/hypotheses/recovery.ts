/** Of the time that recoveries took, as the master measured them. */
import type { Recovery } from '../../src/api/status.ts';
import { duration } from '../../src/shared/duration.ts';
import type { Evidence } from '../evidence/evidence.ts';
import { percentile } from '../evidence/percentile.ts';
import { unmeasured } from '../evidence/unmeasured.ts';
import { hypothesis, many, notSeen, type Finding } from './hypothesis.ts';
import { spread, type Spread } from './limits.ts';

const measures = { median: 50, p99: 99, max: 100 } as const;
const names = Object.keys(measures) as (keyof typeof measures)[];

export const recovery = hypothesis<Spread>({
  limit: spread('From the first sign of a loss to the next committed step.'),
  claim: limit => `training resumes after a loss: ${claim(limit)}`,
  judge: (limit, evidence) => judge(limit, evidence, r => r.resumedMs),
});

export const whole = hypothesis<Spread>({
  limit: spread('From the first sign of a loss to the first step with all workers.'),
  claim: limit => `all workers train again after a loss: ${claim(limit)}`,
  judge: (limit, evidence) => judge(limit, evidence, r => r.wholeMs),
});

const claim = (limit: Spread): string =>
  names.flatMap(name => (limit[name] === undefined ? [] : [`${name} ≤ ${duration(limit[name])}`])).join(', ');

function judge(limit: Spread, evidence: Evidence, of: (r: Recovery) => number | null): Finding {
  const { recoveries } = evidence;
  const values = recoveries.map(of).filter(v => v !== null);
  const open = recoveries.length - values.length;
  if (values.length === 0) {
    const seen =
      open === 0 ? 'nothing was lost' : `${many(open, 'loss', 'losses')}, none of them seen to its end`;
    return { holds: null, seen };
  }
  const wanted = names.filter(name => limit[name] !== undefined);
  const got = wanted.map(name => [name, percentile(values, measures[name]) ?? 0] as const);
  const rest = open === 0 ? '' : `; ${many(open, 'more')} came to no end before the job did`;
  const holds = got.every(([name, value]) => value <= (limit[name] ?? Infinity));
  const unseen = unmeasured(evidence);
  if (holds && unseen > 0) return { holds: null, seen: notSeen(unseen) };
  return {
    holds,
    seen: `${got.map(([name, value]) => `${name} ${duration(value)}`).join(', ')} of ${values.length}${rest}`,
  };
}
