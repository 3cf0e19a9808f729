/** Samples that are costly to prepare, through a DataLoader with processes of its own: ftc against DDP with the same loader. */
import type { Context, Section } from './context.ts';
import { describe, machine, versions } from './machine.ts';
import { table } from './markdown.ts';
import { head, inPairs, rows, type Compared, type Workload } from './pairs.ts';

const workloads: readonly Workload[] = [
  {
    name: 'loader',
    what: 'CNN, 0.06 M parameters, Adam; 2 ms a sample to prepare',
    batch: 64,
    workers: 2,
    scripts: { ftc: 'loader_ftc.py', ddp: 'loader_ddp.py' },
  },
];

export async function loader(context: Context): Promise<Section> {
  const { options, connection } = context;
  const facts = machine();
  const lengths = options.quick ? { warmMs: 1_000, windowMs: 4_000 } : { warmMs: 3_000, windowMs: 10_000 };
  const { compared, image } = await inPairs(context, workloads, lengths);
  const about = await versions(connection, image);
  return {
    body: page(context, compared, lengths.windowMs, describe(facts, about)),
    data: { machine: facts, versions: about, compared },
  };
}

function page(context: Context, compared: readonly Compared[], windowMs: number, about: string): string {
  return `## Data loading

\`${context.options.command}\`, ${new Date().toISOString().slice(0, 10)}. ${about}

${table(head, rows(compared, 0.98))}

Each sample costs about 2 ms to prepare: 1 ms of waiting, as for a disk or a network, then about 1 ms on a core to unpack a picture
and to crop, mirror, brighten and roughen it at random. Were all of it work for a core, a machine with few of them would measure
only itself; were all of it waiting, what the loader costs would not show. Both sides use a DataLoader with two processes a worker and
the default \`prefetch_factor\`: under DDP with a DistributedSampler and persistent workers, under ftc with \`shuffle=True\` and the global
batch size. Two workers in two containers, one thread and, under ftc, one virtual rank each; all else is as for the throughput.
Each run starts anew, warms up, and counts the steps committed in ${windowMs / 1000} s; pairs are run in turn.`;
}
