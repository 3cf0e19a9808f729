import { z } from 'zod';
import type { Evidence, SeenFault, Start } from '../evidence/evidence.ts';
import { hypothesis, many } from './hypothesis.ts';
import { yes } from './limits.ts';

export const untouched = hypothesis<boolean>({
  limit: yes('No container is started again that no fault touched.'),
  usual: true,
  claim: wanted => (wanted ? 'nothing is started again that no fault touched' : null),
  judge(_, evidence) {
    const again = evidence.starts.filter(s => s.again);
    const bad = again.filter(start => !wasTouched(start, evidence));
    if (bad.length > 0) {
      const names = [...new Set(bad.map(s => s.container))].join(', ');
      return { holds: false, seen: `started again, and never touched: ${names}` };
    }
    const seen =
      again.length === 0
        ? 'nothing was started again'
        : `${many(again.length, 'start')}, all of containers that were hit`;
    return { holds: true, seen };
  },
});

const wasTouched = (start: Start, { faults }: Evidence): boolean =>
  faults.some(
    f =>
      f.asked <= start.at &&
      (f.fault === 'engine' || f.hits.some(h => h.container === start.container) || wasScaledAway(start, f)),
  );

const Scaled = z.object({ containers: z.number() });

/** There was to be one less than it, for a while. */
function wasScaledAway({ container, role }: Start, { fault, data }: SeenFault): boolean {
  if (fault !== 'scale' || role !== 'worker') return false;
  const number = Number(/-(\d+)$/.exec(container)?.[1] ?? 0);
  return data.some(d => number > (Scaled.safeParse(d).data?.containers ?? Infinity));
}
