/** Which job a command means. */
import { basename } from 'node:path';
import { savedAt } from '../client/saved-at.ts';
import { FtcError } from '../errors.ts';
import { findJobFile } from '../job/file.ts';
import { loadJobName } from '../job/load.ts';
import { validName } from '../job/resolve.ts';
import type { JobFlags } from '../job/sources.ts';

/** `--name`, JOB_ID, or the job file's; the file need not be right when the name is given. */
export function jobName(options: JobFlags): string {
  const named = options['name'] ?? process.env['JOB_ID'];
  if (typeof named === 'string' && named !== '') return named;
  const name = loadJobName(options);
  const script = options['script'] ?? process.env['FTC_SCRIPT'] ?? '';
  const isPlain = script === '' && findJobFile(options.file, process.cwd()) === null;
  return isPlain ? startedHere(name, process.cwd()) : name;
}

/** Without a job file: a script that was named on the command line of `ftc up` made a job that is called after the folder. */
function startedHere(usual: string, cwd: string): string {
  const own = validName(basename(cwd));
  try {
    return (savedAt(cwd, own) ?? -Infinity) > (savedAt(cwd, usual) ?? -Infinity) ? own : usual;
  } catch (error) {
    // Whatever is kept here is not believed, and who needs it says so.
    if (error instanceof FtcError && error.code === 'FTC_NOT_TRUSTED') return usual;
    throw error;
  }
}
