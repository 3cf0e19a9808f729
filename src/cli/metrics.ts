/** `ftc metrics`: what the script logged, step by step; from the master, or from the volume where none runs. */
import { once } from 'node:events';
import { CheckpointClient } from '../client/checkpoint-client.ts';
import { findJob } from '../client/find-job.ts';
import { openRuntime } from '../runtime/pick.ts';
import { follow } from '../client/follow.ts';
import { silent } from '../client/http.ts';
import { FtcError } from '../errors.ts';
import type { JobFlags } from '../job/sources.ts';
import { hasEnded } from '../protocol/job-state.ts';
import { withCheckpoints } from './checkpoint-source.ts';
import { Interrupt } from './interrupt.ts';
import { jobName } from './job-name.ts';
import { type Form, MetricsPrinter } from './view/metrics-printer.ts';
import { stderr, stdout } from './print.ts';

interface Options extends JobFlags {
  readonly csv?: boolean;
  readonly json?: boolean;
  readonly follow?: boolean;
  readonly last?: string;
}

const EVERY_MS = 500;
/** A master that died is started again; so long it may be silent. */
const PATIENCE_MS = 60_000;

export async function run(options: Options): Promise<undefined> {
  const following = options.follow === true;
  const printer = new MetricsPrinter({
    form: formOf(options),
    following,
    last: lastOf(options.last),
    write: async text => {
      if (!stdout.text(text)) await once(process.stdout, 'drain');
    },
    warn: text => stderr.lines(`ftc: ${text}`),
  });
  if (following) return followJob(options, printer);
  await withCheckpoints(options, { write: false, files: false }, client =>
    printer.begin(after => client.steps(after)),
  );
}

/** Until the job has ended, or somebody interrupts. */
async function followJob(options: Options, printer: MetricsPrinter): Promise<undefined> {
  const name = jobName(options);
  const { signal } = new Interrupt('interrupt');
  const runtime = await openRuntime();
  for await (const { status } of follow(runtime.open(name), {
    everyMs: EVERY_MS,
    patienceMs: PATIENCE_MS,
    signal,
  })) {
    if (status === null) continue;
    try {
      const { job, replicas } = await findJob(runtime, name);
      const base = await job.masterUrl(replicas);
      const client = new CheckpointClient({ base, silent: cause => silent(base, cause) }, signal);
      const read = (after: number) => client.steps(after);
      await (printer.begun ? printer.more(read) : printer.begin(read));
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof FtcError) || error.code !== 'FTC_MASTER_UNREACHABLE') throw error;
      continue;
    }
    if (hasEnded(status.state)) return;
  }
}

/** @throws FtcError FTC_USAGE */
function formOf({ csv, json }: Options): Form {
  if (csv && json) throw new FtcError('FTC_USAGE', '--csv and --json exclude each other');
  return csv ? 'csv' : json ? 'json' : 'table';
}

/** @throws FtcError FTC_USAGE */
function lastOf(text: string | undefined): number | null {
  if (text === undefined) return null;
  const last = Number(text);
  if (/^\d{1,6}$/.test(text) && last > 0) return last;
  throw new FtcError('FTC_USAGE', `--last is "${text}" and must be a number of steps, from 1 to 999999`, {
    hint: 'For all of them, leave --last out: ftc metrics --csv',
  });
}
