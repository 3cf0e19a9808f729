/** Finds a job on its runtime, and the way to its master. */
import { noJob } from '../runtime/absent.ts';
import type { RunningJob } from '../runtime/job.ts';
import type { Replica } from '../runtime/replica.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { MasterClient } from './master-client.ts';

export interface FoundJob {
  readonly job: RunningJob;
  readonly replicas: readonly Replica[];
}

/** @throws FtcError FTC_NOT_RUNNING when the job has no replicas: it names the jobs that there are */
export async function findJob(runtime: Runtime, name: string): Promise<FoundJob> {
  const job = runtime.open(name);
  const replicas = await job.replicas();
  if (replicas.length === 0) throw noJob(name, await runtime.jobs());
  return { job, replicas };
}

/** @throws FtcError FTC_MASTER_UNREACHABLE when its master is down */
export async function masterOf(job: RunningJob, replicas?: readonly Replica[]): Promise<MasterClient> {
  return new MasterClient(await job.masterUrl(replicas));
}
