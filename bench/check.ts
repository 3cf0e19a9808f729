/** What the comparison of the replicas costs in a step: with and without it, in pairs, in turn, in one job for each workload. */
import { z } from 'zod';
import type { Context, Section } from './context.ts';
import { FtcJob } from './ftc-job.ts';
import { describe, machine, versions } from './machine.ts';
import { duration, table } from './markdown.ts';
import { median, summarize } from './stats.ts';
import { workloads } from './throughput.ts';

const never = 100_000_000;
const target = 0.01;

/** What bench/jobs/train_check.py leaves. Seconds. */
const Measured = z.object({
  bytes: z.int().positive(),
  /** Steps in which the whole state is compared. */
  within: z.int().positive(),
  /** Steps a stretch. */
  length: z.int().positive(),
  pairs: z
    .array(z.object({ with: z.number().positive(), without: z.number().positive(), check: z.number() }))
    .min(1),
});
type Measured = z.infer<typeof Measured>;

interface Checked extends Measured {
  readonly what: string;
}

export async function check(context: Context): Promise<Section> {
  const { options, connection } = context;
  const facts = machine();
  const pairs = options.quick ? 2 : 4 * options.pairs;
  const checked: Checked[] = [];
  let image = '';
  for (const { name, what, workers } of workloads) {
    context.say(`${name}: ${pairs} pairs of stretches with and without the check`);
    const found = await inOneJob(context, name, workers, pairs);
    image = found.image;
    checked.push({ what, ...found.measured });
  }
  const about = await versions(connection, image);
  return {
    body: page(context, checked, describe(facts, about)),
    data: { machine: facts, versions: about, checked },
  };
}

async function inOneJob(
  context: Context,
  name: string,
  workers: number,
  pairs: number,
): Promise<{ measured: Measured; image: string }> {
  const job = await FtcJob.start(context, `check-${name}`, {
    script: 'train_check.py',
    args: [name, String(pairs), '10'],
    workers,
    standbys: 0,
    heartbeat: '10s',
    checkpointEvery: never,
  });
  try {
    return { measured: Measured.parse(await job.undisturbed('result.json')), image: job.image };
  } finally {
    await job.close();
  }
}

function row({ what, bytes, within, length, pairs }: Checked): string[] {
  const shares = summarize(pairs.map(pair => pair.check / pair.with));
  const ratios = summarize(pairs.map(pair => pair.with / pair.without));
  const percent = (share: number): string => (share * 100).toFixed(2);
  return [
    what,
    `${(bytes / 1e6).toFixed(2)} MB`,
    within === 1 ? 'each step' : `${within} steps`,
    duration((median(pairs.map(pair => pair.with)) / length) * 1000),
    duration((median(pairs.map(pair => pair.check)) / length) * 1000),
    `${percent(shares.median)} % (${percent(shares.min)}–${percent(shares.max)})`,
    `${ratios.median.toFixed(3)} (${ratios.min.toFixed(3)}–${ratios.max.toFixed(3)})`,
    String(ratios.n),
    `≤ ${target * 100} %`,
    shares.median <= target ? 'yes' : '**no**',
  ];
}

function page(context: Context, checked: readonly Checked[], about: string): string {
  const head = [
    'model',
    'state',
    'compared in',
    'step',
    'check',
    'share (least–greatest)',
    'with ÷ without (least–greatest)',
    'pairs',
    'target',
    'met',
  ];
  return `## What the replica check costs

\`${context.options.command}\`, ${new Date().toISOString().slice(0, 10)}. ${about}

${table(head, checked.map(row))}

The jobs of the throughput benchmark: three workers in three containers, one thread each. One job for each model makes stretches of ten
steps with the check and without it, in turn (with without, without with, …). The check is the CPU time of rank 0 in a step, and the
share is that of the step's whole time. "With ÷ without" compares the whole times of two stretches that follow each other: it holds all that the
machine does meanwhile, so that its spread is many times what is to be measured.`;
}
