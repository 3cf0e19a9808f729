/** A scenario as the text of a file that says the same. Pure. */
import { stringify } from 'yaml';
import { usualMs } from '../faults/fault.ts';
import { faultNamed } from '../faults/index.ts';
import type { Hypotheses } from '../hypotheses/index.ts';
import type { JobFile } from '../../src/job/schema.ts';
import { toSeconds } from '../../src/job/duration.ts';
import type { Mark } from '../schedule.ts';
import type { Deed, Entry } from './method.ts';

export interface Replay {
  readonly title: string;
  readonly description: string;
  readonly job: JobFile;
  readonly hypothesis: Hypotheses;
  readonly entries: readonly Entry[];
  readonly atOnce: number;
  readonly minInterval: number;
  readonly seed: number;
  /** Lines above it all, without the `#`. */
  readonly comment: readonly string[];
}

export function scenarioText({ entries, comment, minInterval, ...rest }: Replay): string {
  const { title, description, job, hypothesis, atOnce, seed } = rest;
  const file = {
    title,
    description,
    ...(Object.keys(job).length > 0 && { job: withUnits(job) }),
    hypothesis: withUnits(hypothesis),
    atOnce,
    ...(minInterval > 0 && { minInterval: `${toSeconds(minInterval)}s` }),
    seed,
    method: entries.map(entryOf),
  };
  const head = comment.map(line => `# ${line}\n`).join('');
  return head + stringify(file, { lineWidth: 0, aliasDuplicateObjects: false });
}

function entryOf({ timing, deed }: Entry): Record<string, unknown> {
  if ('when' in timing) {
    const { when, times } = timing;
    const moment = 'phase' in when ? { when: `phase=${when.phase}`, times } : { at: `step ${when.step}` };
    return { ...moment, ...deedOf(deed) };
  }
  if ('at' in timing) return { at: place(timing.at), ...deedOf(deed) };
  return {
    every: place(timing.every),
    ...(timing.times !== null && { times: timing.times }),
    ...deedOf(deed),
  };
}

function deedOf(deed: Deed): Record<string, unknown> {
  if (deed.kind === 'scale') return { scale: deed.workers };
  const { fault, target, rank, count, percent, params, forMs } = deed;
  const lasts = forMs !== null && forMs !== usualMs(faultNamed(fault));
  return {
    [fault]: target,
    ...(rank !== null && { rank }),
    ...(count !== null && { count }),
    ...(percent !== null && { percent }),
    ...params,
    ...(lasts && { for: `${toSeconds(forMs)}s` }),
  };
}

const place = (mark: Mark): string => ('steps' in mark ? `step ${mark.steps}` : `${toSeconds(mark.ms)}s`);

/** Keys whose values are milliseconds inside. */
const durations = new Set([
  'standstill',
  'median',
  'p99',
  'max',
  'heartbeat',
  'hang',
  'initial',
  'reset',
  'scrub',
]);

function withUnits(group: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(group)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]: [string, unknown]) => {
        if (typeof value === 'number' && durations.has(key)) return [key, `${toSeconds(value)}s`];
        const isGroup = typeof value === 'object' && value !== null && !Array.isArray(value);
        return [key, isGroup ? withUnits(value) : value];
      }),
  );
}
