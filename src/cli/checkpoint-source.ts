/** What the commands about checkpoints have in common: the way to them, and steps as people name them. */
import { dirname } from 'node:path';
import { CheckpointClient } from '../client/checkpoint-client.ts';
import { type CheckpointRow, isGood } from '../api/checkpoint-row.ts';
import type { CheckpointOptions } from '../runtime/job.ts';
import { openRuntime } from '../runtime/pick.ts';
import { FtcError } from '../errors.ts';
import { findJobFile } from '../job/file.ts';
import { loadJob } from '../job/load.ts';
import type { JobFlags } from '../job/sources.ts';
import { Interrupt } from './interrupt.ts';
import { jobName } from './job-name.ts';

/** So many steps are named where the one that was asked for is not there. */
const SHOWN = 12;

/** Runs `work` with the job's checkpoints at hand, and lets go of them afterwards. Ctrl+C ends it. */
export async function withCheckpoints<T>(
  options: JobFlags,
  { write, files }: Pick<CheckpointOptions, 'write' | 'files'>,
  work: (client: CheckpointClient, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const name = jobName(options);
  const { signal } = new Interrupt('interrupt');
  const runtime = await openRuntime();
  const file = findJobFile(options.file, process.cwd());
  const folder = file === null ? process.cwd() : dirname(file);
  const fallback = { folder, load: () => loadJob({ ...options, name }) };
  const access = await runtime.open(name).checkpoints({ fallback, write, files });
  try {
    return await work(new CheckpointClient(access.source, signal), signal);
  } finally {
    await access.close();
  }
}

/** A step as a person writes it. @throws FtcError FTC_USAGE */
export function parseStep(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new FtcError('FTC_USAGE', `"${text}" is no step`, {
    hint: 'A step is a whole number, such as 100; "ftc checkpoints" lists those there are.',
  });
}

/** The row of a step. @throws FtcError FTC_NO_CHECKPOINT, which names the steps there are */
export function rowOf(rows: readonly CheckpointRow[], step: number): CheckpointRow {
  const found = rows.find(row => row.step === step && row.state !== 'aside');
  if (found) return found;
  const aside = rows.some(row => row.step === step) ? ': the one that was there is quarantined' : '';
  throw new FtcError('FTC_NO_CHECKPOINT', `there is no checkpoint of step ${step}${aside}`, {
    hint: hintFor(rows),
  });
}

/** The one that training would go on from, as far as is known. @throws FtcError FTC_NO_CHECKPOINT */
export function latestOf(rows: readonly CheckpointRow[]): CheckpointRow {
  const good = rows.filter(isGood);
  const found = good.find(row => row.latest) ?? good[0];
  if (found) return found;
  throw new FtcError('FTC_NO_CHECKPOINT', 'there is no checkpoint that could be loaded', {
    hint: hintFor(rows),
  });
}

function hintFor(rows: readonly CheckpointRow[]): string {
  const steps = rows.filter(row => row.state !== 'aside').map(row => row.step);
  if (steps.length === 0) return 'There are no checkpoints yet.';
  const shown = steps.slice(0, SHOWN).join(', ');
  return `There are those of ${shown}${steps.length > SHOWN ? ` and ${steps.length - SHOWN} more` : ''}.`;
}
