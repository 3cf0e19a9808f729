/** Samples a second without faults: ftc against DistributedDataParallel under torchrun, in pairs, in turn. */
import type { Context, Section } from './context.ts';
import { describe, machine, versions } from './machine.ts';
import { table } from './markdown.ts';
import { head, inPairs, rows, type Compared, type Workload } from './pairs.ts';

const workers = 3;

export const workloads: readonly Workload[] = [
  { name: 'fashion-cnn', what: 'CNN of the default job, 0.02 M parameters, Adam', batch: 480, workers },
  { name: 'large-mlp', what: 'perceptron, 5.8 M parameters, SGD with momentum', batch: 192, workers },
  {
    name: 'char-gpt',
    what: 'transformer of examples/char-gpt, 0.36 M parameters, AdamW',
    batch: 48,
    workers,
  },
];

export async function throughput(context: Context): Promise<Section> {
  const { options, connection } = context;
  const facts = machine();
  const lengths = options.quick ? { warmMs: 1_000, windowMs: 3_000 } : { warmMs: 2_000, windowMs: 6_000 };
  const { compared, image } = await inPairs(context, workloads, lengths);
  const about = await versions(connection, image);
  return {
    body: page(context, compared, lengths.windowMs, describe(facts, about)),
    data: { machine: facts, versions: about, compared },
  };
}

function page(context: Context, compared: readonly Compared[], windowMs: number, about: string): string {
  return `## Throughput

\`${context.options.command}\`, ${new Date().toISOString().slice(0, 10)}. ${about}

${table(head, rows(compared, 0.95))}

Without faults. Three workers in three containers, one thread and, under ftc, one virtual rank each. Both sides run the same image,
model, optimizer, global batch and data (made up, in memory, taken by the same kind of indexing), with PyTorch's deterministic
algorithms on. DDP runs under torchrun over gloo with its default buckets (25 MB), in plain containers; ftc as \`ftc up\` starts it,
with master and supervisor beside the workers. Each run starts anew, warms up, and counts the steps committed in ${windowMs / 1000} s; pairs are
run in turn (ftc DDP, DDP ftc, …), and the ratio is the median of the pairs' ratios. No checkpoints are written on either side.`;
}
