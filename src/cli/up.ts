/** `ftc up`: starts the job and shows it until it ends. */
import { openRuntime } from '../runtime/pick.ts';
import { makeOutputs } from '../client/outputs.ts';
import { MOST_ENTRIES } from '../job/hidden.ts';
import { loadJob } from '../job/load.ts';
import type { JobFlags } from '../job/sources.ts';
import { createStages } from './view/stages.ts';
import { Interrupt } from './interrupt.ts';
import { commandsOf, leftOut, urlsOf } from './up-hooks.ts';
import { s3Login } from './s3-login.ts';
import { watchJob } from './watch-job.ts';
import { stderr } from './print.ts';

export interface UpOptions extends JobFlags {
  /** Return when the first step has committed. */
  readonly detach?: boolean;
  readonly json?: boolean;
  /** Go on from the checkpoints of another folder's, or another script's, job of this name. */
  readonly adopt?: boolean;
}

export async function run(options: UpOptions): Promise<number> {
  const loaded = loadJob(options);
  const missing = s3Login(loaded);
  if (missing !== null) stderr.lines(`! ${missing}`);
  if (loaded.hidden?.complete === false)
    stderr.lines(
      `! the script's folder has more than ${MOST_ENTRIES} entries: an .env that lies deep in it is seen by the script; give the script a folder of its own`,
    );
  const urls = urlsOf(loaded);
  const alone = options.detach === true ? leftOut(loaded) : null;
  if (alone !== null) stderr.lines(`! ${alone}`);
  const runtime = await openRuntime();
  await runtime.ready();
  const prepared = await runtime.prepare(loaded, { hookUrls: urls });
  await makeOutputs(loaded);
  const interrupt = new Interrupt();
  const { signal } = interrupt;
  const claim = { adopt: options.adopt === true };
  const job = await prepared.launch({ stages: createStages(), signal, claim, build: true });
  return watchJob({
    job,
    restoring: await job.restoring(),
    interrupt,
    until: options.detach ? 'first-step' : 'end',
    json: options.json === true,
    onInterrupt: 'stop-job',
    commands: options.detach === true ? null : commandsOf(loaded, job),
  });
}
