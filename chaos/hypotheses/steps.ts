/** Of steps that were committed and had to be done again. */
import { stepsLost as count } from '../evidence/holders.ts';
import { unmeasured } from '../evidence/unmeasured.ts';
import { hypothesis, many, notSeen } from './hypothesis.ts';
import { most } from './limits.ts';

export const stepsLost = hypothesis<number>({
  limit: most('Committed steps that may be lost although a worker was left that held the state.'),
  usual: 0,
  claim: limit => (limit === 0 ? 'no committed step is lost' : `at most ${many(limit, 'step')} lost`),
  judge(limit, evidence) {
    const { recoveries, holders, state } = evidence;
    const { lost } = count(recoveries, holders);
    const unseen = unmeasured(evidence);
    if (unseen > 0 && lost <= limit) return { holds: null, seen: notSeen(unseen) };
    // Who is lost after the last step takes none along.
    const open = state !== 'succeeded' && recoveries.some(r => r.resumedMs === null);
    if (open && lost <= limit) return { holds: null, seen: 'training did not go on after the last loss' };
    const losses = recoveries.reduce((sum, r) => sum + r.lost.length, 0);
    return { holds: lost <= limit, seen: `${lost} lost, in ${many(losses, 'loss', 'losses')} of a worker` };
  },
});

export const stepsRepeated = hypothesis<number>({
  limit: most(
    'Steps that may be repeated from a checkpoint, because no worker was left that held the state.',
  ),
  claim: limit => `at most ${many(limit, 'step')} are done again from a checkpoint`,
  judge(limit, evidence) {
    const { repeated } = count(evidence.recoveries, evidence.holders);
    const unseen = unmeasured(evidence);
    if (unseen > 0 && repeated <= limit) return { holds: null, seen: notSeen(unseen) };
    return { holds: repeated <= limit, seen: `${repeated} were done again` };
  },
});
