/** What a scenario does to a job, and when: as its file says it, and as a run of a known length carries it out. Pure. */
import { duration } from '../../src/shared/duration.ts';
import { describeAct, type Act } from '../plan.ts';
import type { Mark, Timing } from '../schedule.ts';
import type { When } from '../when.ts';

/** A place on the way: steps, milliseconds since the first one, or a share of all steps, from 0 to 1. */
export type Place = Mark | { readonly share: number };

export type Moment =
  | { readonly at: Place }
  | { readonly every: Place; readonly times: number | null }
  /** Each time that it comes about, at most so often. */
  | { readonly when: When; readonly times: number };

/** What is done, and to how many; null for one. */
export type Deed = Act & { readonly count: number | null; readonly percent: number | null };

export interface Fixed {
  readonly moment: Moment;
  readonly deed: Deed;
}

/** So many faults at random places. */
export interface Random {
  readonly random: number;
  /** Names of faults; null for all that the platform can do, and that are no danger to anybody else. */
  readonly kinds: readonly string[] | null;
  /** Between which shares of the way. */
  readonly after: number;
  readonly before: number;
}

export type MethodEntry = Fixed | Random;

/** One entry as a run carries it out. */
export interface Entry {
  readonly timing: Timing | { readonly when: When; readonly times: number };
  readonly deed: Deed;
  /** It is one of several at random, of which not every one needs to hit. */
  readonly drawn: boolean;
}

export const isRandom = (entry: MethodEntry): entry is Random => 'random' in entry;

/** Shares become steps. */
export function resolve({ moment, deed }: Fixed, totalSteps: number): Entry {
  const mark = (place: Place): Mark =>
    'share' in place
      ? { steps: Math.max(1, Math.min(totalSteps - 1, Math.round(place.share * totalSteps))) }
      : place;
  const drawn = false;
  if ('at' in moment) return { timing: { at: mark(moment.at) }, deed, drawn };
  if ('every' in moment) return { timing: { every: mark(moment.every), times: moment.times }, deed, drawn };
  return { timing: moment, deed, drawn };
}

/** `kill 2 workers`, `pause rank 1 for 2.00 s`. */
export function describeDeed(deed: Deed): string {
  const text = describeAct(deed);
  const { count, percent } = deed;
  const workers = deed.kind === 'fault' && deed.target === 'worker' ? 'workers' : 'standbys';
  if (count !== null && count > 1) return text.replace(/ a (worker|standby)/, ` ${count} ${workers}`);
  return percent === null ? text : text.replace(/ a (worker|standby)/, ` ${percent}% of the ${workers}`);
}

/** `at step 40`, `every 3.00 s`, `in phase checkpoint`. */
export function describeTiming(timing: Entry['timing']): string {
  const mark = (m: Mark, one: string): string =>
    'ms' in m ? duration(m.ms) : one === '' ? `${m.steps} steps` : `step ${m.steps}`;
  if ('at' in timing) return `at ${mark(timing.at, 'one')}`;
  if ('every' in timing) return `every ${mark(timing.every, '')}`;
  return 'step' in timing.when ? `at step ${timing.when.step}` : `in phase ${timing.when.phase}`;
}
