/** The master is killed: does training notice? */
import { setTimeout as sleep } from 'node:timers/promises';
import { gaps, stepTimes } from '../analysis.ts';
import type { Context } from '../context.ts';
import { patienceMs, type FtcJob } from '../ftc-job.ts';
import { Invalid } from '../invalid.ts';
import { median } from '../stats.ts';

export interface MasterKill {
  /** Longest time between two consecutive committed steps, from the kill until some time after the master is back. */
  readonly longestMs: number;
  /** The same in a stretch of equal length right before the kill, in which nothing happened. */
  readonly undisturbedLongestMs: number;
  /** The middle one of that stretch. */
  readonly undisturbedMedianMs: number;
  /** From the kill until the master answers and all workers are attached. */
  readonly backMs: number;
}

/** What the machine does by itself shows in a stretch of this length. */
const quietMs = 3_000;
const afterMs = 1_000;

export async function killMaster(context: Context, job: FtcJob): Promise<MasterKill> {
  const { signal, connection } = context;
  const generation = await job.whole();
  await sleep(quietMs, undefined, { signal });
  const processes = job.log.processes;
  const master = (await job.containers()).find(c => c.role === 'master');
  if (!master) throw new Invalid('there is no master');
  const at = Date.now();
  await connection.docker.getContainer(master.id).kill();
  const deadline = performance.now() + patienceMs;
  for (;;) {
    await sleep(50, undefined, { signal });
    const status = await job.status();
    const training = status?.workers.filter(w => w.state === 'training').length ?? 0;
    if (training === job.spec.workers) break;
    if (performance.now() > deadline) throw new Invalid(`the master is not back\n${await job.output()}`);
  }
  const backMs = Date.now() - at;
  await sleep(afterMs, undefined, { signal });
  job.log.poll();
  const end = Date.now();
  const length = end - at;
  const after = job.log.between(at, end);
  const changed = after.find(c => c.generation !== generation) ?? null;
  if (changed) throw new Invalid(`the generation changed to ${changed.generation} when the master died`);
  if (job.log.processes.size !== processes.size)
    throw new Invalid('a worker was started when the master died');
  // The last step before the kill and the first after it are neighbours too.
  const around = gaps(
    stepTimes(job.log.between(at - 1_000, end)).filter((t, i, all) => (all[i + 1] ?? t) > at),
  );
  const quiet = gaps(stepTimes(job.log.between(at - length, at)));
  return {
    longestMs: Math.max(...around),
    undisturbedLongestMs: Math.max(...quiet),
    undisturbedMedianMs: median(quiet),
    backMs,
  };
}
