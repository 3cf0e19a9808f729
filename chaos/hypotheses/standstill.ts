import { duration } from '../../src/shared/duration.ts';
import { longestStandstill } from '../evidence/standstill.ts';
import { hypothesis } from './hypothesis.ts';
import { time } from './limits.ts';

export const standstill = hypothesis<number>({
  limit: time('For how long training may make no step.'),
  claim: limit => `training never stands still for longer than ${duration(limit)}`,
  judge(limit, evidence) {
    const longest = longestStandstill(evidence);
    if (!longest) return { holds: null, seen: 'no step was seen' };
    return { holds: longest.ms <= limit, seen: `at most ${duration(longest.ms)}, at step ${longest.step}` };
  },
});
