/** Finds a job's containers on the engine, and the way to its master. */
import { httpPort, ftcLabels } from '../shared/names.ts';
import type { Connection } from '../runtime/docker/connect.ts';
import type { Replica } from '../runtime/replica.ts';
import { FtcError } from '../errors.ts';
import { MasterClient } from './master-client.ts';

const HTTP = httpPort;

export interface FoundJob {
  readonly project: string;
  readonly containers: readonly Replica[];
  readonly master: MasterClient;
}

/** @throws FtcError FTC_NOT_RUNNING when the project has no containers, FTC_MASTER_UNREACHABLE when its master is down. */
export async function findJob({ engine, docker }: Connection, project: string): Promise<FoundJob> {
  const containers = await engine.list(project);
  if (containers.length === 0) {
    const all = await docker.listContainers({ all: true, filters: { label: [ftcLabels.job] } });
    const others = [...new Set(all.map(c => c.Labels[ftcLabels.job]))].sort();
    const hint =
      others.length > 0 ? `There is ${others.join(', ')}: name it with --name.` : 'Start it with "ftc up".';
    throw new FtcError('FTC_NOT_RUNNING', `no job "${project}" is here`, { hint });
  }
  return { project, containers, master: masterOf(containers) };
}

/** @throws FtcError FTC_MASTER_UNREACHABLE */
export function masterOf(containers: readonly Replica[]): MasterClient {
  const master = containers.find(c => c.role === 'master');
  const port = master?.ports[HTTP];
  if (port === undefined) {
    throw new FtcError('FTC_MASTER_UNREACHABLE', `the job's master is ${master?.state ?? 'not there'}`, {
      hint: hintFor(containers),
    });
  }
  return new MasterClient(`http://127.0.0.1:${port}`);
}

function hintFor(containers: readonly Replica[]): string {
  const alive = (role: string): boolean => containers.some(c => c.role === role && c.state === 'running');
  if (alive('supervisor'))
    return 'The supervisor brings it back within seconds; "ftc ps" shows all containers, "ftc up" starts what was stopped.';
  if (alive('worker'))
    return 'The supervisor is not there either, and workers run: "ftc watch" brings both back.';
  return '"ftc up" goes on from the newest checkpoint; "ftc ps" shows all containers.';
}
