/** How much of the undisturbed speed is left when a worker is killed every ten seconds. */
import { setTimeout as sleep } from 'node:timers/promises';
import { pace } from '../analysis.ts';
import type { Context } from '../context.ts';
import type { FtcJob } from '../ftc-job.ts';
import { Invalid } from '../invalid.ts';
import { pairOrder, pairRatios, type Measured } from '../stats.ts';
import { strike, type Blow } from './blow.ts';
import type { Random } from './random.ts';

export interface KeptPlan {
  readonly pairs: number;
  readonly undisturbedMs: number;
  readonly disturbedMs: number;
  readonly everyMs: number;
}

export interface Kept {
  /** Steps a second: `a` with kills, `b` undisturbed. */
  readonly runs: readonly Measured[];
  readonly ratios: readonly number[];
  readonly blows: readonly Blow[];
}

export async function kept(context: Context, job: FtcJob, random: Random, plan: KeptPlan): Promise<Kept> {
  const runs: Measured[] = [];
  const blows: Blow[] = [];
  for (const side of pairOrder(plan.pairs)) {
    await job.whole();
    const from = Date.now();
    const to = from + (side === 'a' ? plan.disturbedMs : plan.undisturbedMs);
    if (side === 'a') blows.push(...(await bombard(context, job, random, from, to, plan.everyMs)));
    await sleep(Math.max(0, to - Date.now()), undefined, { signal: context.signal });
    job.log.poll();
    const value = pace(job.log.between(from, to), from, to);
    runs.push({ side, value });
    context.say(`${side === 'a' ? 'with kills' : 'undisturbed'}: ${value.toFixed(1)} steps/s`);
  }
  return { runs, ratios: pairRatios(runs), blows };
}

/** One kill in the middle of every period. */
async function bombard(
  context: Context,
  job: FtcJob,
  random: Random,
  from: number,
  to: number,
  everyMs: number,
): Promise<Blow[]> {
  const blows: Blow[] = [];
  for (let at = from + everyMs / 2; at < to; at += everyMs) {
    const wait = at - Date.now();
    // A little late is still one in every period.
    if (wait < -everyMs / 2)
      throw new Invalid(`the job was not whole again ${everyMs * 1.5} ms after a kill`);
    await sleep(Math.max(0, wait), undefined, { signal: context.signal });
    const blow = await strike(context, job, random, 'kill');
    blows.push(blow);
    context.say(
      `every ${everyMs / 1000} s: next step ${Math.round(blow.resumedMs)} ms, whole ${Math.round(blow.wholeMs)} ms`,
    );
  }
  return blows;
}
