/** The flags of `ftc chaos FAULT`, read. */
import type { Fault, Target } from '../../chaos/faults/fault.ts';
import { targets, usualMs } from '../../chaos/faults/fault.ts';
import type { Pace } from '../../chaos/pace.ts';
import type { Wish } from '../../chaos/select.ts';
import { parseWhen, type When } from '../../chaos/when.ts';
import { FtcError } from '../errors.ts';
import { closest } from '../job/closest.ts';
import { durationForms, parseDuration } from '../job/duration.ts';
import type { JobFlags } from '../job/sources.ts';

export interface ChaosOptions extends JobFlags {
  readonly rank?: string;
  readonly container?: string;
  readonly label?: string;
  readonly random?: boolean;
  readonly count?: string;
  readonly percent?: string;
  readonly all?: boolean;
  /** Which random choice; `--seed` of this command, not the job's. */
  readonly seed?: string;
  readonly for?: string;
  readonly lasts?: string;
  readonly every?: string;
  readonly times?: string;
  readonly minInterval?: string;
  readonly maxConcurrent?: string;
  readonly when?: string;
  readonly dryRun?: boolean;
  readonly timeout?: string;
  readonly json?: boolean;
}

export interface Asked {
  readonly wish: Wish;
  readonly params: Record<string, string | number>;
  /** How long each lasts. */
  readonly forMs: number | null;
  readonly pace: Pace;
  readonly when: When | null;
  readonly watchMs: number;
  readonly repeats: boolean;
}

const otherNames: Record<string, Target> = { 'all-workers': 'all', workers: 'all' };

/** @throws FtcError FTC_USAGE */
export function readOptions(fault: Fault, target: string | undefined, o: ChaosOptions): Asked {
  const repeats = o.every !== undefined || o.times !== undefined;
  const when = o.when === undefined ? null : parseWhen(o.when);
  const wish = wishOf(fault, target, o);
  const maxConcurrent = whole('--max-concurrent', o.maxConcurrent, 1) ?? null;
  const least = wish.ranks?.length ?? wish.count ?? 1;
  if (maxConcurrent !== null && least > maxConcurrent)
    throw new FtcError('FTC_USAGE', `--max-concurrent is ${maxConcurrent}, and ${least} are hit at a time`);
  return {
    wish,
    params: paramsOf(fault, o),
    forMs: lengthOf(fault, o, repeats),
    pace: {
      everyMs: o.every === undefined ? null : range('--every', o.every),
      times: whole('--times', o.times, 1) ?? (repeats ? null : 1),
      totalMs: repeats && o.for !== undefined ? time('--for', o.for) : null,
      minIntervalMs: o.minInterval === undefined ? 0 : time('--min-interval', o.minInterval),
      maxConcurrent,
    },
    when,
    watchMs: (whole('--timeout', o.timeout, 1) ?? 120) * 1000,
    repeats,
  };
}

function wishOf(fault: Fault, name: string | undefined, o: ChaosOptions): Wish {
  const chosen = (['all', 'rank', 'container', 'count', 'percent', 'random'] as const).filter(
    key => o[key] !== undefined,
  );
  if (chosen.length > 1) {
    const [last] = chosen.slice(-1);
    throw new FtcError(
      'FTC_USAGE',
      `${chosen
        .slice(0, -1)
        .map(c => `--${c}`)
        .join(', ')} and --${last ?? ''} exclude each other`,
      { hint: 'Name one of them; without any, one is chosen at random.' },
    );
  }
  const target = targetOf(fault, name);
  if (o.rank !== undefined && target !== 'worker')
    throw new FtcError('FTC_USAGE', '--rank belongs to the target worker');
  return {
    target,
    ranks: o.rank === undefined ? undefined : ranks(o.rank),
    container: o.container,
    label: o.label,
    all: o.all,
    count: whole('--count', o.count, 1),
    percent: percent(o.percent),
    seed: whole('--seed', o.seed, 0) ?? Math.floor(Math.random() * 2 ** 31),
  };
}

function targetOf(fault: Fault, name: string | undefined): Target {
  const usual = fault.targets[0] ?? 'worker';
  const target = name === undefined ? usual : (otherNames[name] ?? name);
  const known = targets.find(t => t === target);
  if (known && fault.targets.includes(known)) return known;
  const near = closest(target, fault.targets);
  const what = known ? `${fault.name} means nothing for "${target}"` : `there is no target "${target}"`;
  throw new FtcError('FTC_USAGE', what, {
    hint: `${near !== null && near !== target ? `Did you mean "${near}"? ` : ''}${fault.name} takes ${fault.targets.join(', ')}. For example: ${fault.example}`,
  });
}

function paramsOf(fault: Fault, o: ChaosOptions): Record<string, string | number> {
  const given: Record<string, string> = {};
  for (const key of Object.keys(fault.params.shape)) {
    const value = o[key];
    if (typeof value === 'string') given[key] = value;
  }
  const checked = fault.params.safeParse(given);
  if (checked.success) return given;
  const [issue] = checked.error.issues;
  const key = String(issue?.path[0] ?? '');
  throw new FtcError('FTC_USAGE', `--${key} ${issue?.message ?? 'is wrong'}, not "${given[key] ?? ''}"`, {
    hint: `For example: ${fault.example}`,
  });
}

/** `--for` is how long the fault lasts; of what comes again and again, how long that goes on. */
function lengthOf(fault: Fault, o: ChaosOptions, repeats: boolean): number | null {
  if (o.lasts !== undefined && !repeats)
    throw new FtcError('FTC_USAGE', '--lasts belongs to --every and --times; --for is how long it lasts');
  const text = repeats ? o.lasts : o.for;
  if (text === undefined) return usualMs(fault);
  if (fault.lasting === 'no')
    throw new FtcError(
      'FTC_USAGE',
      `${repeats ? '--lasts' : '--for'} belongs to a fault that lasts: ${fault.name} is over at once`,
      repeats ? {} : { hint: `To go on with it: --every 10s --for ${text}` },
    );
  return time(repeats ? '--lasts' : '--for', text);
}

function ranks(text: string): number[] {
  const parts = text.split(',').map(part => part.trim());
  if (parts.every(part => /^\d{1,4}$/.test(part))) return [...new Set(parts.map(Number))];
  throw new FtcError('FTC_USAGE', `--rank is "${text}" and must be a rank, or several: 0,2`);
}

function percent(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const n = Number(text.replace(/%$/, ''));
  if (n > 0 && n <= 100) return n;
  throw new FtcError('FTC_USAGE', `--percent is "${text}" and must be more than 0 and at most 100`);
}

function range(flag: string, text: string): [number, number] {
  const [least = '', most = least] = text.split('..');
  const [a, b] = [parseDuration(least), parseDuration(most)];
  if (a !== null && b !== null && a <= b && b > 0) return [a, b];
  throw new FtcError('FTC_USAGE', `${flag} is "${text}" and must be ${durationForms}, or a range: 10s..30s`);
}

function time(flag: string, text: string): number {
  const ms = parseDuration(text);
  if (ms !== null && ms > 0) return ms;
  throw new FtcError('FTC_USAGE', `${flag} is "${text}" and must be ${durationForms}`);
}

function whole(flag: string, text: string | undefined, least: number): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,10}$/.test(text) && Number(text) >= least) return Number(text);
  throw new FtcError('FTC_USAGE', `${flag} is "${text}" and must be a whole number from ${least}`);
}
