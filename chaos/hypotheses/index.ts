/** All that a scenario can claim, by the key that it has in the file; and the judgement of a run. */
import { z } from 'zod';
import type { Evidence } from '../evidence/evidence.ts';
import { validCheckpoints } from './checkpoints.ts';
import { losses, promotions, setAside } from './counts.ts';
import { flipsFound, flipsRepaired } from './flips.ts';
import type { Hypothesis, Undisturbed } from './hypothesis.ts';
import { recovery, whole } from './recovery.ts';
import { sameBits, succeeds } from './result.ts';
import { standstill } from './standstill.ts';
import { stepsLost, stepsRepeated } from './steps.ts';
import { untouched } from './untouched.ts';

const all = {
  succeeds,
  sameBits,
  stepsLost,
  stepsRepeated,
  recovery,
  whole,
  standstill,
  validCheckpoints,
  untouched,
  losses,
  promotions,
  setAside,
  flipsFound,
  flipsRepaired,
} as const;

type All = typeof all;
type Key = keyof All;
type LimitOf<K extends Key> = All[K] extends Hypothesis<infer Limit> ? Limit : never;

const shape = Object.fromEntries(Object.entries(all).map(([key, { limit }]) => [key, limit.optional()])) as {
  [K in Key]: z.ZodOptional<z.ZodType<LimitOf<K>>>;
};

/** The group `hypothesis:` of a scenario. */
export const Hypotheses = z.strictObject(shape, {
  error: issue => (issue.code === 'invalid_type' ? 'must be a group of keys' : undefined),
});
export type Hypotheses = z.output<typeof Hypotheses>;

export const Verdict = z.object({
  /** `stepsLost`, …; `faults` for whether everything hit. */
  key: z.string(),
  claim: z.string(),
  /** Null: not judged. */
  holds: z.boolean().nullable(),
  /** What was seen. */
  seen: z.string(),
});
export type Verdict = z.infer<typeof Verdict>;

/** One for each claim, those that always hold included, and one for whether the faults hit at all. */
export function judge(wanted: Hypotheses, evidence: Evidence, undisturbed: Undisturbed | null): Verdict[] {
  const verdicts = (Object.entries(all) as [Key, Hypothesis][]).flatMap(([key, h]): Verdict[] => {
    const limit = wanted[key] ?? h.usual;
    const claim = limit === undefined ? null : h.claim(limit);
    return claim === null ? [] : [{ key, claim, ...h.judge(limit, evidence, undisturbed) }];
  });
  return [...verdicts, faultsHit(evidence)];
}

/** What missed proves nothing. Of random faults not every one finds somebody to hit: half of them are enough. */
function faultsHit({ faults, missed }: Evidence): Verdict {
  const drawn = faults.filter(f => f.drawn).length;
  const lost = missed.filter(m => m.drawn).length;
  const [first] = missed.filter(m => !m.drawn || lost > drawn);
  const claim =
    drawn + lost > 0
      ? 'the faults hit: at least half of the random ones, and all others'
      : 'every fault hits';
  const count = `${faults.length} of ${faults.length + missed.length}`;
  if (faults.length === 0 && !first) return { key: 'faults', claim, holds: null, seen: 'there was none' };
  const seen = first ? `${count}; ${first.text} did not: ${first.why}` : count;
  return { key: 'faults', claim, holds: first ? null : true, seen };
}

/** Broken as soon as one is; a pass only when all hold. */
export function conclude(verdicts: readonly Verdict[]): boolean | null {
  if (verdicts.some(v => v.holds === false)) return false;
  return verdicts.some(v => v.holds === null) ? null : true;
}
