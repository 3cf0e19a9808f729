/** The same kills under torchrun. */
import { setTimeout as sleep } from 'node:timers/promises';
import { restarted, type Recovered } from '../analysis.ts';
import type { Context } from '../context.ts';
import { Invalid } from '../invalid.ts';
import { TorchrunJob, type TorchrunSpec } from '../torchrun-job.ts';
import type { Random } from './random.ts';

/** It takes a minute and more. */
const patienceMs = 240_000;

export async function torchrunKills(
  context: Context,
  spec: TorchrunSpec,
  random: Random,
  kills: number,
): Promise<Recovered[]> {
  const done: Recovered[] = [];
  const job = await TorchrunJob.start(context, 'torchrun', spec);
  try {
    while (done.length < kills) {
      await job.whole(5, patienceMs);
      await sleep(1000 + random.next() * 2000, undefined, { signal: context.signal });
      job.log.poll();
      const before = job.log.processes;
      // Never node 0, which hosts the rendezvous: without it nothing comes back.
      const node = 1 + random.below(spec.workers - 1);
      const at = await job.killAndStart(node);
      const found = await job.log.until(
        () => restarted(job.log.between(at - 5_000), before, { at, full: spec.workers }),
        'torchrun: all train again',
        patienceMs,
        context.signal,
      );
      done.push(found);
      context.say(
        `torchrun kill ${done.length}/${kills}: node ${node}, next step ${(found.resumedMs / 1000).toFixed(1)} s, steps lost ${found.lost}`,
      );
    }
    return done;
  } catch (error) {
    if (error instanceof Invalid) throw new Invalid(`${error.message}\n${await job.output()}`);
    throw error;
  } finally {
    await job.close();
  }
}
