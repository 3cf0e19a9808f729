/** Of the run's end. */
import { hasEnded } from '../../src/protocol/job-state.ts';
import { hypothesis } from './hypothesis.ts';
import { yes } from './limits.ts';

const SHORT = 12;

export const succeeds = hypothesis<boolean>({
  limit: yes('The job ends with success.'),
  usual: true,
  claim: wanted => (wanted ? 'the job succeeds' : null),
  judge(_, { state, reason, gaveUp, digest }) {
    if (gaveUp !== null) return { holds: false, seen: gaveUp };
    if (state === 'succeeded')
      return {
        holds: true,
        seen: digest === null ? 'it succeeded' : `it succeeded, digest ${digest.slice(0, SHORT)}`,
      };
    if (state === null) return { holds: null, seen: 'the master never answered' };
    if (!hasEnded(state)) return { holds: null, seen: `it was still ${state} when it was watched no longer` };
    return { holds: false, seen: `it has ${state}: ${reason ?? 'no reason is known'}` };
  },
});

export const sameBits = hypothesis<boolean>({
  limit: yes('The digest is that of the baseline.'),
  usual: true,
  claim: wanted => (wanted ? 'the digest is that of the baseline' : null),
  judge(_, { digest }, undisturbed) {
    if (undisturbed === null) return { holds: null, seen: 'there is no baseline to compare with' };
    if (digest === null) return { holds: null, seen: 'the run has no digest: it did not end' };
    const same = digest === undisturbed.digest;
    return {
      holds: same,
      seen: same
        ? `both are ${digest.slice(0, SHORT)}`
        : `${digest.slice(0, SHORT)}, and the baseline has ${undisturbed.digest.slice(0, SHORT)}`,
    };
  },
});
