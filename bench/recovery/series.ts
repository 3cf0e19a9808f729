/** Series of blows: kills, kills of two at once, pauses. */
import type { Context } from '../context.ts';
import type { FtcJob } from '../ftc-job.ts';
import { strike, type Blow, type Deed } from './blow.ts';
import type { Random } from './random.ts';

export interface Series {
  readonly deed: Deed;
  readonly blows: number;
  /** Workers hit at once. */
  readonly count: number;
  readonly title: string;
}

export async function series(context: Context, job: FtcJob, random: Random, plan: Series): Promise<Blow[]> {
  const done: Blow[] = [];
  while (done.length < plan.blows) {
    const blow = await strike(context, job, random, plan.deed, plan.count);
    done.push(blow);
    const { ranks, resumedMs, wholeMs, lost } = blow;
    context.say(
      `${plan.title} ${done.length}/${plan.blows}: rank ${ranks.join(' and ')}, next step ${Math.round(resumedMs)} ms, whole ${Math.round(wholeMs)} ms, steps lost ${lost}`,
    );
  }
  return done;
}
