/** Samples a second without faults: ftc against DistributedDataParallel under torchrun, in pairs, in turn. */
import type { Context, Section } from './context.ts';
import { FtcJob } from './ftc-job.ts';
import { Invalid } from './invalid.ts';
import { describe, machine, versions } from './machine.ts';
import { digits, duration, table } from './markdown.ts';
import { median, pairOrder, pairRatios, summarize, type Measured } from './stats.ts';
import { TorchrunJob } from './torchrun-job.ts';
import { speed, type Speed } from './speed.ts';

const workers = 3;
const patienceMs = 60_000;
const never = 100_000_000;

interface Workload {
  readonly name: string;
  readonly what: string;
  /** Samples a step, over all workers; as in jobs/workloads.py. */
  readonly batch: number;
}

const workloads: readonly Workload[] = [
  { name: 'fashion-cnn', what: 'CNN of the default job, 0.02 M parameters, Adam', batch: 480 },
  { name: 'large-mlp', what: 'perceptron, 5.8 M parameters, SGD with momentum', batch: 192 },
  { name: 'char-gpt', what: 'transformer of examples/char-gpt, 0.36 M parameters, AdamW', batch: 48 },
];

type Run = Measured & Speed;

interface Compared extends Workload {
  /** `a` is ftc, `b` is torchrun; samples a second. */
  readonly runs: readonly Run[];
  readonly ratios: readonly number[];
}

export async function throughput(context: Context): Promise<Section> {
  const { options, connection } = context;
  const facts = machine();
  const lengths = options.quick ? { warmMs: 1_000, windowMs: 3_000 } : { warmMs: 2_000, windowMs: 6_000 };
  const compared: Compared[] = [];
  let image = '';
  const sameImage = (found: string): void => {
    if (image !== '' && found !== image) throw new Invalid(`the workers' image changed during the run`);
    image = found;
  };

  /** One job from its start to the end of its window. */
  const run = async (side: 'a' | 'b', workload: Workload): Promise<Run> => {
    const { name } = workload;
    if (side === 'b' && image === '') throw new Invalid('ftc has to come first: its image is used for both');
    const job =
      side === 'a'
        ? await FtcJob.start(context, name, {
            args: [name],
            workers,
            standbys: 0,
            heartbeat: '5s',
            checkpointEvery: never,
          })
        : await TorchrunJob.start(context, `${name}-ddp`, {
            workload: name,
            workers,
            checkpointEvery: 0,
            image,
          });
    try {
      if (job instanceof FtcJob) {
        sameImage(job.image);
        await job.whole();
      } else await job.whole(5, patienceMs);
      const found = await speed(context, job.log, { ...workload, workers }, lengths);
      context.say(`${name}, ${side === 'a' ? 'ftc' : 'DDP'}: ${digits(found.value)} samples/s`);
      return { side, ...found };
    } finally {
      await job.close();
    }
  };

  for (const workload of workloads) {
    const runs: Run[] = [];
    for (const side of pairOrder(options.pairs)) runs.push(await run(side, workload));
    compared.push({ ...workload, runs, ratios: pairRatios(runs) });
  }
  const about = await versions(connection, image);
  return {
    body: page(context, compared, lengths.windowMs, describe(facts, about)),
    data: { machine: facts, versions: about, compared },
  };
}

function page(context: Context, compared: readonly Compared[], windowMs: number, about: string): string {
  const rows = compared.map(({ what, batch, runs, ratios }) => {
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
      '≥ 0.95',
      ratio.median >= 0.95 ? 'yes' : '**no**',
    ];
  });
  const head = [
    'model',
    'batch',
    'ftc samples/s',
    'DDP samples/s',
    'ftc step',
    'ratio (least–greatest)',
    'pairs',
    'target',
    'met',
  ];
  return `## Throughput

\`${context.options.command}\`, ${new Date().toISOString().slice(0, 10)}. ${about}

${table(head, rows)}

Without faults. Three workers in three containers, one thread and, under ftc, one virtual rank each. Both sides run the same image,
model, optimizer, global batch and data (made up, in memory, taken by the same kind of indexing), with PyTorch's deterministic
algorithms on. DDP runs under torchrun over gloo with its default buckets (25 MB), in plain containers; ftc as \`ftc up\` starts it,
with master and supervisor beside the workers. Each run starts anew, warms up, and counts the steps committed in ${windowMs / 1000} s; pairs are
run in turn (ftc DDP, DDP ftc, …), and the ratio is the median of the pairs' ratios. No checkpoints are written on either side.`;
}
