/** `ftc doctor`: what is fine, what is not, what to do. */
import { pick } from '../runtime/pick.ts';
import { FtcError } from '../errors.ts';
import { type LoadedJob, loadJob } from '../job/load.ts';
import type { JobFlags } from '../job/sources.ts';
import { type Check, failed, ok } from '../runtime/check.ts';
import { stdout } from './print.ts';

export interface DoctorOptions extends JobFlags {
  readonly json?: boolean;
}

/** @returns 0, or the exit code of the first thing that is wrong */
export async function run(options: DoctorOptions): Promise<number> {
  const checks = await examine(options);
  const wrong = checks.find(({ state }) => state === 'fail');
  if (options.json) stdout.json({ ok: !wrong, checks }, 2);
  else stdout.lines(...checks.map(line));
  return wrong?.code ? new FtcError(wrong.code, wrong.detail).exitCode : 0;
}

async function examine(options: JobFlags): Promise<Check[]> {
  const checks: Check[] = [];
  let loaded: LoadedJob | null = null;
  try {
    loaded = loadJob(options);
    checks.push(ok('job', `${loaded.job.name}, ${loaded.file ?? 'the default job'}`));
  } catch (error) {
    checks.push(failed('job', error));
  }
  checks.push(...(await (await pick()).examine(loaded)));
  return checks;
}

function line({ name, state, detail, hint }: Check): string {
  const indent = ' '.repeat(18);
  const text = [detail, ...(hint === null ? [] : [hint])].join('\n').replaceAll('\n', `\n${indent}`);
  return `${state.padEnd(5)} ${name.padEnd(11)} ${text}`;
}
