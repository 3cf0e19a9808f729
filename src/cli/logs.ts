/** `ftc logs`: what the containers print; the JSON lines of master and supervisor made readable on a terminal. */
import { roles } from '../shared/names.ts';
import { findJob } from '../client/find-job.ts';
import { openRuntime } from '../runtime/pick.ts';
import { FtcError } from '../errors.ts';
import type { JobFlags } from '../job/sources.ts';
import { jobName } from './job-name.ts';
import { stdout } from './print.ts';
import { logLines } from './view/log-line.ts';

export interface LogsOptions extends JobFlags {
  readonly follow?: boolean;
  readonly tail?: string;
  /** JSON lines as they are. */
  readonly raw?: boolean;
}

export async function run(options: LogsOptions, service: string | undefined): Promise<undefined> {
  if (service !== undefined && !roles.some(role => role === service)) {
    throw new FtcError('FTC_USAGE', `there is no service "${service}"`, {
      hint: `There are ${roles.join(', ')}.`,
    });
  }
  if (options.tail !== undefined && !/^(\d+|all)$/.test(options.tail)) {
    throw new FtcError('FTC_USAGE', `--tail is "${options.tail}" and must be a number of lines, or all`);
  }
  const runtime = await openRuntime();
  const { job } = await findJob(runtime, jobName(options));
  const readable = logLines({ raw: options.raw === true, colour: process.stdout.isTTY });
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort());
  await job.logs({
    follow: options.follow === true,
    ...(options.tail !== undefined && { tail: options.tail }),
    roles: service === undefined ? [] : [service],
    onLine: line => stdout.lines(...readable(line)),
    signal: stop.signal,
  });
}
