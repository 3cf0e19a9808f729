/** What `ftc chaos run` and `soak` work with: an engine, a job to break, and what the platform can do. */
import type { Fault } from '../../chaos/faults/fault.ts';
import { faultNamed } from '../../chaos/faults/index.ts';
import { probe, whyNot } from '../../chaos/probe.ts';
import type { Campaign } from '../../chaos/scenarios/campaign.ts';
import { ownJob } from '../../chaos/scenarios/job.ts';
import { openRuntime } from '../runtime/pick.ts';
import { FtcError } from '../errors.ts';
import { checkHost } from '../job/host.ts';
import { loadJob, type LoadedJob } from '../job/load.ts';
import { check } from '../job/problem.ts';
import type { JobFlags } from '../job/sources.ts';
import { createStages } from './view/stages.ts';
import { stderr } from './print.ts';

/** What runs are called after where nobody says. */
const NAME = 'ftc';

export type Lab = Omit<Campaign['lab'], 'keep' | 'deadline'>;

/** @param wanted the platform is asked only for what these need */
export async function createLab(
  options: JobFlags,
  wanted: readonly Fault[],
  rest: Pick<Lab, 'signal' | 'watcher'>,
): Promise<Lab> {
  const base = baseOf(options);
  const runtime = await openRuntime();
  await runtime.ready();
  const faults = runtime.faults(line => stderr.lines(line));
  const able = wanted.some(f => f.needs !== undefined) ? await probe(faults) : null;
  const cannot = (name: string): string | null => whyNot(faultNamed(name), able, faults.capabilities);
  return {
    ...rest,
    runtime,
    world: job => ({ hands: job.hands, faults }),
    stages: createStages(),
    base,
    command: ['ftc', ...process.argv.slice(2).map(quoted)].join(' '),
    cannot,
  };
}

/** As a shell wants it. */
export const quoted = (word: string): string =>
  /^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

/** @throws FtcError FTC_USAGE */
export function number(flag: string, text: string | undefined, least: number): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,10}$/.test(text) && Number(text) >= least) return Number(text);
  throw new FtcError('FTC_USAGE', `${flag} is "${text}" and must be a whole number from ${least}`);
}

/** The job of `--file`; without it ftc's own, under the name that is asked for. */
function baseOf(options: JobFlags): LoadedJob {
  if (options.file !== undefined) return loadJob(options);
  const { name = process.env['JOB_ID'] } = options;
  const job = ownJob(nameOf(name));
  const projectDir = process.cwd();
  return { job, file: null, projectDir, user: checkHost(job, projectDir) };
}

function nameOf(name: unknown): string {
  if (name === undefined || name === '') return NAME;
  const { value, problems } = check({ name });
  if (value?.name !== undefined) return value.name;
  throw new FtcError('FTC_USAGE', problems.map(p => `--${p.key} ${p.message}`).join('\n'));
}
