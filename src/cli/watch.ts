/** `ftc watch`: shows a running job; looking away does not disturb it. */
import { findJob } from '../client/find-job.ts';
import { openRuntime } from '../runtime/pick.ts';
import type { JobFlags } from '../job/sources.ts';
import { Interrupt } from './interrupt.ts';
import { jobName } from './job-name.ts';
import { watchJob } from './watch-job.ts';

export async function run(options: JobFlags & { json?: boolean }): Promise<number> {
  const runtime = await openRuntime();
  // Its master may be gone: then watching brings it back.
  const { job } = await findJob(runtime, jobName(options));
  return watchJob({
    job,
    restoring: await job.restoring(),
    interrupt: new Interrupt(),
    until: 'end',
    json: options.json === true,
    onInterrupt: 'leave',
    commands: null,
  });
}
