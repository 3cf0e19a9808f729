/** Something that is claimed of a run, and the judgement of it. Pure: from the evidence alone. */
import type { z } from 'zod';
import type { Evidence } from '../evidence/evidence.ts';

/** The same job, undisturbed. */
export interface Undisturbed {
  readonly digest: string;
  readonly steps: number;
  /** From its first step to its end, milliseconds. */
  readonly trainingMs: number;
}

export interface Finding {
  /** Null: the run does not show it, one way or the other. */
  readonly holds: boolean | null;
  /** What was seen, in a sentence without a full stop. */
  readonly seen: string;
}

/** One key under `hypothesis:` of a scenario. */
export interface Hypothesis<Limit = unknown> {
  /** What the key takes. A message continues it: `stepsLost must be …`. */
  readonly limit: z.ZodType<Limit>;
  /** Where the scenario does not say; absent for what is only judged when it does. */
  readonly usual?: Limit;
  /** The claim, as a sentence without a full stop; null where this limit claims nothing. */
  claim(limit: Limit): string | null;
  judge(limit: Limit, evidence: Evidence, undisturbed: Undisturbed | null): Finding;
}

export const hypothesis = <Limit>(of: Hypothesis<Limit>): Hypothesis<Limit> => of;

export const many = (n: number, one: string, more = `${one}s`): string => `${n} ${n === 1 ? one : more}`;

export const notSeen = (n: number): string =>
  `there is no evidence of when training resumed after ${many(n, 'loss', 'losses')}`;
