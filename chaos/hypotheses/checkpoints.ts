/** Of what was loaded. */
import { z } from 'zod';
import type { Evidence, SeenCheckpoint } from '../evidence/evidence.ts';
import { hypothesis, many } from './hypothesis.ts';
import { yes } from './limits.ts';

export const validCheckpoints = hypothesis<boolean>({
  limit: yes('No checkpoint is loaded that was damaged.'),
  usual: true,
  claim: wanted => (wanted ? 'no damaged checkpoint is loaded' : null),
  judge(_, evidence) {
    const loads = evidence.checkpoints.filter(c => c.what === 'loaded');
    const bad = loads.filter(load => isDamaged(load, evidence));
    if (bad.length > 0) {
      const steps = bad.map(c => c.step).join(', ');
      return { holds: false, seen: `loaded although damaged: that of step ${steps}` };
    }
    if (loads.length === 0) return { holds: true, seen: 'none was loaded' };
    const steps = loads.map(c => `step ${c.step}`).join(', ');
    return { holds: true, seen: `loaded ${many(loads.length, 'time')}, that of ${steps}` };
  },
});

/** Damaged, or found to be, and not written anew since. */
function isDamaged({ at, step }: SeenCheckpoint, { faults, checkpoints }: Evidence): boolean {
  const broken = faults
    .filter(f => f.data.some(data => damagedStep(data) === step) && !isPutBack(f, at))
    .map(f => f.at)
    .concat(checkpoints.filter(c => c.what === 'set aside' && c.step === step).map(c => c.at))
    .filter(time => time < at);
  if (broken.length === 0) return false;
  const last = Math.max(...broken);
  return !checkpoints.some(c => c.what === 'published' && c.step === step && c.at > last && c.at <= at);
}

/** Damage that lasts is put right at its end. */
const isPutBack = ({ at, until }: Evidence['faults'][number], by: number): boolean =>
  until !== null && until > at && until <= by;

const Damage = z.object({ act: z.object({ checkpoint: z.string().regex(/^step-\d+$/) }) });

/** The fault that damages a checkpoint records which. */
function damagedStep(data: unknown): number | null {
  const damage = Damage.safeParse(data);
  return damage.success ? Number(damage.data.act.checkpoint.slice('step-'.length)) : null;
}
