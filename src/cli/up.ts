/** `ftc up`: starts the job and shows it until it ends. */
import { composeProject } from './project.ts';
import { launch } from '../client/launch.ts';
import { Compose } from '../docker/compose.ts';
import { connect } from '../docker/connect.ts';
import { loadJob } from '../job/load.ts';
import type { JobFlags } from '../job/sources.ts';
import { createStages } from './view/stages.ts';
import { Interrupt } from './interrupt.ts';
import { s3Login } from './s3-login.ts';
import { watchJob } from './watch-job.ts';
import { stderr } from './print.ts';

export interface UpOptions extends JobFlags {
  /** Return when the first step has committed. */
  readonly detach?: boolean;
  readonly json?: boolean;
}

export async function run(options: UpOptions): Promise<number> {
  const loaded = loadJob(options);
  const missing = s3Login(loaded);
  if (missing !== null) stderr.lines(`! ${missing}`);
  const connection = await connect();
  const compose = await Compose.find(connection.host);
  const project = await composeProject(loaded, connection);
  const interrupt = new Interrupt();
  await launch(connection, compose, project, createStages(), interrupt.signal);
  return watchJob({
    connection,
    compose,
    project,
    interrupt,
    until: options.detach ? 'first-step' : 'end',
    json: options.json === true,
    onInterrupt: 'stop-job',
  });
}
