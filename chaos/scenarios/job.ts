/** The job that a scenario breaks: a small one of ftc's own, or a person's, with what the scenario wants otherwise. Pure but for the script. */
import { join } from 'node:path';
import { FtcError } from '../../src/errors.ts';
import { builtinOf, type Job } from '../../src/job/job.ts';
import { conflicts, resolveJob } from '../../src/job/resolve.ts';
import type { JobFile } from '../../src/job/schema.ts';
import { launcherOf } from '../../src/job/script-launcher.ts';
import { ownPackage } from '../../src/package.ts';
import type { Scenario } from './scenario.ts';

/** Long enough for a dozen faults, short enough for a minute. */
const own: JobFile = {
  workers: 3,
  virtualRanks: 12,
  args: ['pause=0.015'],
  steps: 240,
  checkpoint: { every: 25, keep: 5 },
  recovery: { heartbeat: 3_000, backoff: { initial: 200 } },
};

export const ownScript = (): string => join(ownPackage().root, 'chaos/scenarios/job/train.py');

/** @param name what its runs are called after */
export const ownJob = (name: string): Job => resolveJob([{ ...own, name, script: ownScript() }], null);

/** @throws FtcError FTC_SCENARIO_FILE when both do not fit together; FTC_USAGE for a script without a digest */
export function jobOf(base: Job, { job: wanted, name }: Pick<Scenario, 'job' | 'name'>): Job {
  const { steps, epochs, ...rest } = wanted;
  const length = steps !== undefined ? { steps } : epochs !== undefined ? { epochs } : base.length;
  const job = { ...overlay(base, rest), length };
  const launcher = launcherFor(wanted.script, job.launcher);
  if (launcher === 'torchrun')
    throw new FtcError('FTC_USAGE', 'a script for torchrun has no digest that could be compared', {
      hint: 'Scripts that "import ftc" can be broken and judged: "ftc init" writes one.',
    });
  const [conflict] = conflicts({ ...job, launcher });
  if (conflict)
    throw new FtcError('FTC_SCENARIO_FILE', `the job of the scenario ${name}: ${conflict.message}`, {
      hint: conflict.hint,
    });
  return { ...job, launcher };
}

function launcherFor(script: string | undefined, otherwise: Job['launcher']): Job['launcher'] {
  if (script === undefined) return otherwise;
  return builtinOf(script) === null ? launcherOf(script) : 'ftc';
}

/** Group by group; lists are replaced as a whole. */
function overlay<T extends object>(below: T, above: object): T {
  const merged = { ...below } as Record<string, unknown>;
  for (const [key, value] of Object.entries(above)) {
    const before = merged[key];
    if (value !== undefined) merged[key] = isGroup(before) && isGroup(value) ? overlay(before, value) : value;
  }
  return merged as unknown as T;
}

const isGroup = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
