/** How fast a job trains, from the times at which its steps were committed. */
import { setTimeout as sleep } from 'node:timers/promises';
import { gaps, stepTimes } from './analysis.ts';
import type { CommitLog } from './commit-log.ts';
import type { Context } from './context.ts';
import { Invalid } from './invalid.ts';
import { median } from './stats.ts';

export interface Speed {
  /** Samples a second. */
  readonly value: number;
  /** Median. */
  readonly stepMs: number;
}

/** Of a window after some time to warm up. @throws Invalid when the number of workers changed */
export async function speed(
  { signal }: Context,
  log: CommitLog,
  { name, batch, workers }: { readonly name: string; readonly batch: number; readonly workers: number },
  { warmMs, windowMs }: { readonly warmMs: number; readonly windowMs: number },
): Promise<Speed> {
  await sleep(warmMs, undefined, { signal });
  const from = Date.now();
  await sleep(windowMs, undefined, { signal });
  log.poll();
  const commits = log.between(from);
  const times = stepTimes(commits);
  const [first, last] = [times[0] ?? NaN, times.at(-1) ?? NaN];
  if (times.length < 5) throw new Invalid(`${name}: only ${times.length} steps in ${windowMs} ms`);
  if (log.processes.size !== workers || commits.some(c => c.world !== workers))
    throw new Invalid(`${name}: a worker was lost`);
  return { value: ((times.length - 1) * batch * 1000) / (last - first), stepMs: median(gaps(times)) };
}
