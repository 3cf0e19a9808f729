/** `ftc watch`: shows a running job; looking away does not disturb it. */
import { findJob } from '../client/find-job.ts';
import { projectOf } from '../client/saved-project.ts';
import { Compose } from '../runtime/docker/compose.ts';
import { connect } from '../runtime/docker/connect.ts';
import type { JobFlags } from '../job/sources.ts';
import { Interrupt } from './interrupt.ts';
import { jobName } from './job-name.ts';
import { watchJob } from './watch-job.ts';

export async function run(options: JobFlags & { json?: boolean }): Promise<number> {
  const connection = await connect();
  const name = jobName(options);
  // Its master may be gone: then watching brings it back.
  const containers = await connection.engine.list(name);
  if (containers.length === 0) await findJob(connection, name); // says what there is
  const [container] = containers;
  const bare = { name, directory: process.cwd(), yaml: null, variables: {} };
  const project = container ? await projectOf(connection, container).catch(() => bare) : bare;
  return watchJob({
    connection,
    compose: await Compose.find(connection.host),
    project,
    interrupt: new Interrupt(),
    until: 'end',
    json: options.json === true,
    onInterrupt: 'leave',
    commands: null,
  });
}
