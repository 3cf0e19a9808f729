/** Which job a command means. */
import { loadJobName } from '../job/load.ts';
import type { JobFlags } from '../job/sources.ts';

/** `--name`, JOB_ID, or the job file's; the file need not be right when the name is given. */
export function jobName(options: JobFlags): string {
  const named = options['name'] ?? process.env['JOB_ID'];
  return typeof named === 'string' && named !== '' ? named : loadJobName(options);
}
