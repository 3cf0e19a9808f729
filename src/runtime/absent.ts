/** What it means that a job, or its master, is not there. Pure. */
import { httpPort } from '../shared/names.ts';
import { FtcError } from '../errors.ts';
import type { Replica } from './replica.ts';

/** @param others names of the jobs that there are */
export function noJob(name: string, others: readonly string[]): FtcError {
  const hint =
    others.length > 0 ? `There is ${others.join(', ')}: name it with --name.` : 'Start it with "ftc up".';
  return new FtcError('FTC_NOT_RUNNING', `no job "${name}" is here`, { hint });
}

/** Where the master answers on this machine, as in `http://127.0.0.1:7070`. @throws FtcError FTC_MASTER_UNREACHABLE */
export function masterUrlOf(replicas: readonly Replica[]): string {
  const master = replicas.find(r => r.role === 'master');
  const port = master?.ports[httpPort];
  if (port !== undefined) return `http://127.0.0.1:${port}`;
  throw new FtcError('FTC_MASTER_UNREACHABLE', `the job's master is ${master?.state ?? 'not there'}`, {
    hint: hintFor(replicas),
  });
}

function hintFor(replicas: readonly Replica[]): string {
  const alive = (role: string): boolean => replicas.some(r => r.role === role && r.state === 'running');
  if (alive('supervisor'))
    return 'The supervisor brings it back within seconds; "ftc ps" shows all containers, "ftc up" starts what was stopped.';
  if (alive('worker'))
    return 'The supervisor is not there either, and workers run: "ftc watch" brings both back.';
  return '"ftc up" resumes from the newest checkpoint; "ftc ps" shows all containers.';
}
