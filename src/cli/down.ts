/** `ftc down`: stops and removes the job's containers, and what its verifications left; with `--volumes` its checkpoints too. */
import { Compose } from '../docker/compose.ts';
import { connect, type Connection } from '../docker/connect.ts';
import type { JobFlags } from '../job/sources.ts';
import { jobName } from './job-name.ts';
import { findLeftovers, removeRun } from '../verify/leftovers.ts';
import { createStages } from './view/stages.ts';

const VOLUME = 'checkpoints';

export async function run(options: JobFlags & { volumes?: boolean }): Promise<undefined> {
  const name = jobName(options);
  const connection = await connect();
  await removeVerifications(connection, name);
  const compose = await Compose.find(connection.host);
  const containers = await connection.engine.list(name);
  const volume = connection.docker.getVolume(`${name}_${VOLUME}`);
  const kept = await volume.inspect().then(
    () => true,
    () => false,
  );
  if (containers.length === 0 && !(kept && options.volumes)) {
    const rest = kept
      ? ' Its checkpoints are kept: "ftc up" goes on from them, "ftc down --volumes" removes them.'
      : '';
    process.stderr.write(`no container of "${name}" is here.${rest}\n`);
    return;
  }
  const project = { name, directory: process.cwd(), yaml: null, variables: {} };
  await createStages().stage(`removing the containers of "${name}"`, line =>
    compose.down(project, { onLine: line, volumes: options.volumes === true }),
  );
  if (!options.volumes) {
    process.stderr.write('checkpoints are kept: "ftc up" goes on from the newest\n');
    return;
  }
  // Compose names only what the containers tell; the volume of containers that are gone already is ours to remove.
  if (kept) await volume.remove().catch(() => undefined);
  process.stderr.write('checkpoints are removed\n');
}

/** What verifications of the job left: they were killed, or told to. One that runs is left alone. */
async function removeVerifications({ docker }: Connection, name: string): Promise<void> {
  const { projects, alive } = await findLeftovers(docker, name);
  if (alive.length > 0)
    process.stderr.write(
      `a verification of "${name}" is running (process ${alive.join(', ')}): left alone\n`,
    );
  if (projects.length === 0) return;
  await createStages().stage(`removing what a verification left: ${projects.join(', ')}`, async () => {
    for (const project of projects) await removeRun(docker, name, project);
  });
}
