/** `ftc verify`: the job undisturbed and under faults, and whether both end with the same bits. */
import { readFaultsFile } from '../../chaos/faults-file.ts';
import type { Planned } from '../../chaos/plan.ts';
import { openRuntime } from '../runtime/pick.ts';
import { ExitCode, FtcError } from '../errors.ts';
import { loadJob, type LoadedJob } from '../job/load.ts';
import type { JobFlags } from '../job/sources.ts';
import type { VerifyReport } from '../verify/verdict.ts';
import { shapes, verify } from '../verify/verify.ts';
import { Interrupt } from './interrupt.ts';
import { createStages } from './view/stages.ts';
import { summary } from './view/verify.ts';
import { createVerifyView } from './view/verify-live.ts';
import { stderr, stdout } from './print.ts';

export interface VerifyCommandOptions extends JobFlags {
  readonly workers?: string;
  readonly faults?: string;
  /** Of the faults. */
  readonly seed?: string;
  readonly keep?: boolean;
  readonly json?: boolean;
}

export async function run(options: VerifyCommandOptions): Promise<number> {
  const plan = options.faults === undefined ? null : readFaultsFile(options.faults);
  const seed = seedOf(options.seed);
  const loaded = loadJob({ ...options, seed: undefined });
  refuseTorchrun(loaded);
  const workers = workersOf(options.workers) ?? [loaded.job.workers];
  refuseTooMany(loaded, workers, plan ?? []);
  const interrupt = new Interrupt('interrupt');
  const runtime = await openRuntime();
  await runtime.ready();
  const stages = createStages();
  const view = createVerifyView(loaded.job.name, seed, shapes(workers, loaded.job.standbys));
  let report: VerifyReport;
  try {
    report = await verify({
      runtime,
      loaded,
      workers,
      plan,
      seed,
      keep: options.keep === true,
      signal: interrupt.signal,
      stages,
      watcher: view,
    });
  } finally {
    view.close(interrupt.count > 0);
  }
  if (options.json) stdout.json(report, 2);
  else stdout.lines(...summary(report));
  if (options.keep) {
    const names = report.runs.map(r => r.project).join(', ');
    stderr.lines(`kept: ${names}; the next verification, or "ftc down", removes them`);
  }
  if (report.reason === null) return ExitCode.ok;
  throw new FtcError('FTC_NOT_VERIFIED', `${report.verdict}: ${report.reason}`, { ...hintFor(report) });
}

function hintFor({ verdict, seed }: VerifyReport): { hint?: string } {
  if (verdict === 'different bits')
    return {
      hint: 'Does the script read the clock, the rank, an unseeded source, or keep state that it did not register? docs/verify.md helps to find it.',
    };
  return verdict === 'steps lost' ? { hint: `The same faults again: --seed ${seed}` } : {};
}

function seedOf(text: string | undefined): number {
  if (text === undefined) return Math.floor(Math.random() * 2 ** 31);
  if (/^\d{1,10}$/.test(text)) return Number(text);
  throw new FtcError('FTC_USAGE', `--seed is "${text}" and must be a whole number from 0`);
}

function workersOf(text: string | undefined): number[] | null {
  if (text === undefined) return null;
  const parts = text.split(',').map(part => part.trim());
  if (parts.every(part => /^[1-9]\d{0,3}$/.test(part))) return [...new Set(parts.map(Number))];
  throw new FtcError('FTC_USAGE', `--workers is "${text}" and must be a list of numbers`, {
    hint: 'For example: --workers 1,2,3,6',
  });
}

/** Its result depends on how many workers there are, and has no digest. @throws FtcError FTC_USAGE */
function refuseTorchrun({ job }: LoadedJob): void {
  if (job.launcher !== 'torchrun') return;
  throw new FtcError('FTC_USAGE', 'a script for torchrun has no digest that could be compared', {
    hint: 'Scripts that "import ftc" can be verified: "ftc init" writes one.',
  });
}

/** Every worker carries a slice or more. @throws FtcError FTC_SCALE */
function refuseTooMany({ job }: LoadedJob, workers: readonly number[], plan: readonly Planned[]): void {
  const scaled = plan.flatMap(({ act }) => (act.kind === 'scale' ? [act.workers] : []));
  const most = Math.max(...workers, ...scaled);
  if (most <= job.virtualRanks) return;
  throw new FtcError('FTC_SCALE', `${most} workers cannot share ${job.virtualRanks} virtual ranks`, {
    hint: `Ask for ${job.virtualRanks} workers at most, or raise virtualRanks (it is part of the result).`,
  });
}
