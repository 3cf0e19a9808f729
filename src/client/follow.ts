/** Follows a job: its status and events, again and again, through restarts of its master and of the engine. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunningJob } from '../runtime/job.ts';
import { FtcError } from '../errors.ts';
import type { JobEvent } from '../api/event.ts';
import type { Status } from '../api/status.ts';
import { MasterClient } from './master-client.ts';

export interface Moment {
  /** Null while the master does not answer. */
  readonly status: Status | null;
  readonly events: readonly JobEvent[];
}

export interface FollowOptions {
  readonly everyMs: number;
  /** For how long the master may be silent before following it ends with the error. */
  readonly patienceMs: number;
  readonly signal: AbortSignal;
  /** Events up to this number are old. */
  readonly after?: number;
}

/** Ends when `signal` aborts. @throws FtcError FTC_MASTER_UNREACHABLE, FTC_NOT_RUNNING, FTC_ENGINE_GONE */
export async function* follow(
  job: Pick<RunningJob, 'name' | 'replicas' | 'masterUrl'>,
  o: FollowOptions,
): AsyncGenerator<Moment> {
  let master: MasterClient | null = null;
  let after = o.after ?? 0;
  let lastSeen = performance.now();
  while (!o.signal.aborted) {
    let moment: Moment = { status: null, events: [] };
    try {
      master ??= await locate(job);
      const [status, events] = await Promise.all([master.status(), master.events(after)]);
      moment = { status, events };
      after = events.at(-1)?.seq ?? after;
      lastSeen = performance.now();
    } catch (error) {
      if (!(error instanceof FtcError) || error.code === 'FTC_NOT_RUNNING') throw error;
      if (performance.now() - lastSeen > o.patienceMs) throw error;
      master = null;
    }
    yield moment;
    await sleep(o.everyMs, undefined, { signal: o.signal }).catch(() => undefined);
  }
}

async function locate(job: Parameters<typeof follow>[0]): Promise<MasterClient> {
  const replicas = await job.replicas();
  if (replicas.length === 0) {
    throw new FtcError('FTC_NOT_RUNNING', `the containers of "${job.name}" are gone`, {
      hint: 'Somebody removed them ("ftc down"?). The checkpoints are kept unless --volumes was given; "ftc up" resumes the job.',
    });
  }
  return new MasterClient(await job.masterUrl(replicas));
}
