/** Jobs under ftc and under torchrun, in pairs, in turn: the same work on both sides, and how fast each does it. */
import type { Context } from './context.ts';
import { FtcJob } from './ftc-job.ts';
import { Invalid } from './invalid.ts';
import { digits, duration } from './markdown.ts';
import { median, pairOrder, pairRatios, summarize, type Measured } from './stats.ts';
import { speed, type Speed } from './speed.ts';
import { TorchrunJob } from './torchrun-job.ts';

const patienceMs = 60_000;
const never = 100_000_000;

export interface Workload {
  readonly name: string;
  readonly what: string;
  /** Samples a step, over all workers; as in the scripts. */
  readonly batch: number;
  readonly workers: number;
  /** Of bench/jobs; by default those that train a workload by its name. */
  readonly scripts?: { readonly ftc: string; readonly ddp: string };
}

type Run = Measured & Speed;

export interface Compared extends Workload {
  /** `a` is ftc, `b` is torchrun; samples a second. */
  readonly runs: readonly Run[];
  readonly ratios: readonly number[];
}

export interface Lengths {
  readonly warmMs: number;
  readonly windowMs: number;
}

/** All workloads, one after the other, and the id of the image that both sides ran. */
export async function inPairs(
  context: Context,
  workloads: readonly Workload[],
  lengths: Lengths,
): Promise<{ readonly compared: readonly Compared[]; readonly image: string }> {
  const compared: Compared[] = [];
  let image = '';
  for (const workload of workloads) {
    const runs: Run[] = [];
    for (const side of pairOrder(context.options.pairs)) {
      const { found, ran } = await run(context, side, workload, image, lengths);
      if (image !== '' && ran !== image) throw new Invalid(`the workers' image changed during the run`);
      image = ran;
      context.say(`${workload.name}, ${side === 'a' ? 'ftc' : 'DDP'}: ${digits(found.value)} samples/s`);
      runs.push({ side, ...found });
    }
    compared.push({ ...workload, runs, ratios: pairRatios(runs) });
  }
  return { compared, image };
}

/** One job from its start to the end of its window. */
async function run(
  context: Context,
  side: 'a' | 'b',
  workload: Workload,
  image: string,
  lengths: Lengths,
): Promise<{ readonly found: Speed; readonly ran: string }> {
  const { name, workers, scripts } = workload;
  if (side === 'b' && image === '') throw new Invalid('ftc has to come first: its image is used for both');
  const job =
    side === 'a'
      ? await FtcJob.start(context, name, {
          ...(scripts && { script: scripts.ftc }),
          args: [name],
          workers,
          standbys: 0,
          heartbeat: '5s',
          checkpointEvery: never,
        })
      : await TorchrunJob.start(context, `${name}-ddp`, {
          ...(scripts && { script: scripts.ddp }),
          workload: name,
          workers,
          checkpointEvery: 0,
          image,
        });
  try {
    if (job instanceof FtcJob) await job.whole();
    else await job.whole(5, patienceMs);
    const found = await speed(context, job.log, workload, lengths);
    return { found, ran: job instanceof FtcJob ? job.image : image };
  } finally {
    await job.close();
  }
}

export const head = [
  'model',
  'batch',
  'ftc samples/s',
  'DDP samples/s',
  'ftc step',
  'ratio (least–greatest)',
  'pairs',
  'target',
  'met',
] as const;

/** A row a workload, under `head`. */
export function rows(compared: readonly Compared[], target: number): string[][] {
  return compared.map(({ what, batch, runs, ratios }) => {
    const of = (side: 'a' | 'b'): Run[] => runs.filter(run => run.side === side);
    const ratio = summarize(ratios);
    return [
      what,
      String(batch),
      digits(median(of('a').map(run => run.value))),
      digits(median(of('b').map(run => run.value))),
      duration(median(of('a').map(run => run.stepMs))),
      `${ratio.median.toFixed(3)} (${ratio.min.toFixed(3)}–${ratio.max.toFixed(3)})`,
      String(ratio.n),
      `≥ ${target.toFixed(2)}`,
      ratio.median >= target ? 'yes' : '**no**',
    ];
  });
}
