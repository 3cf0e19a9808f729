/** The supervisor's process. */
import { z } from 'zod';
import { client } from '../runtime/docker/client.ts';
import { DockerEngine } from '../runtime/docker/dockerode-engine.ts';
import { handsOf } from '../runtime/docker/hands.ts';
import { readKey } from '../protocol/key-file.ts';
import { now } from '../shared/clock.ts';
import { createLogger } from '../shared/log.ts';
import { readConfig } from './config.ts';
import { SupervisorLink } from './link.ts';
import { Supervisor } from './supervisor.ts';

const log = createLogger('supervisor', process.env['JOB_ID'] ?? 'unknown');

try {
  const { job, project: named, master, policy, id, keys, socket } = readConfig(process.env);
  const engine = new DockerEngine(
    client({ url: `unix://${socket}`, source: 'the mounted socket', certificates: null }),
  );
  // Compose may have been given another name for the project (-p) than the file's: this container knows.
  const project = (await engine.inspect(id))?.project ?? named;
  const stop = new AbortController();
  const supervisor: Supervisor = new Supervisor({
    hands: handsOf(engine, project),
    job,
    policy,
    log,
    now,
    tell: facts => link.tell(facts),
    said: said => link.say(said),
  });
  const link = new SupervisorLink({
    ...master,
    job,
    id,
    key: () => readKey(keys, 'supervisor'),
    log,
    message: message => supervisor.take(message),
  });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      log.info({ signal }, 'supervisor stops; nothing is started again until it is back');
      link.close();
      stop.abort();
      process.exit(0);
    });
  }
  log.info({ project, uid: process.getuid?.() }, 'supervisor watches');
  await supervisor.watch(stop.signal);
} catch (error) {
  if (error instanceof z.ZodError) log.fatal(`the environment is wrong: ${z.prettifyError(error)}`);
  else log.fatal({ err: error }, 'the supervisor cannot go on');
  process.exit(1);
}
