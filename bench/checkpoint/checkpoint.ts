/** What a checkpoint costs: ftc's beside torch.save in the loop, async_save, and none, in turn in one process. */
import type { Context, Section } from '../context.ts';
import { FtcJob } from '../ftc-job.ts';
import { describe, machine, versions } from '../machine.ts';
import { digits, table } from '../markdown.ts';
import { speed } from '../speed.ts';
import { pairOrder, pairRatios, type Measured as Paired } from '../stats.ts';
import { Measured } from './measured.ts';
import { head, rows, targetHead, targets, type Sized } from './rows.ts';

const every = 10;
const never = 100_000_000;
const fullMachine = { name: 'state-100', batch: 768, workers: 3 };

interface Plan {
  readonly megabytes: number;
  /** Each with one stretch of every way. */
  readonly rounds: number;
  /** Timed steps a stretch. */
  readonly length: number;
}

export async function checkpoint(context: Context): Promise<Section> {
  const { options, connection } = context;
  const facts = machine();
  const { quick, pairs } = options;
  const plans: Plan[] = quick
    ? [
        { megabytes: 1, rounds: 2, length: 40 },
        { megabytes: 100, rounds: 1, length: 20 },
      ]
    : [
        { megabytes: 1, rounds: 4 * pairs, length: 100 },
        { megabytes: 100, rounds: 2 * pairs, length: 40 },
        { megabytes: 500, rounds: pairs, length: 20 },
      ];
  const sizes: Sized[] = [];
  let image = '';
  for (const plan of plans) {
    const found = await inOneProcess(context, plan);
    image = found.image;
    sizes.push({ megabytes: plan.megabytes, measured: found.measured });
  }
  const runs: Paired[] = [];
  for (const side of quick ? [] : pairOrder(pairs))
    runs.push({ side, value: await wholeJob(context, side === 'a' ? every : never) });
  const ratios = pairRatios(runs);
  const about = await versions(connection, image);
  return {
    body: page(context, sizes, ratios, describe(facts, about)),
    data: { machine: facts, versions: about, sizes, runs, ratios },
  };
}

async function inOneProcess(
  context: Context,
  { megabytes, rounds, length }: Plan,
): Promise<{ measured: Measured; image: string }> {
  context.say(`${megabytes} MB of state: ${rounds} rounds of none, torch.save, async_save and ftc`);
  const job = await FtcJob.start(context, `checkpoint-${megabytes}`, {
    script: 'train_checkpoints.py',
    args: [megabytes, rounds, length].map(String),
    workers: 1,
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

/** Samples a second of three workers under `ftc up`. */
async function wholeJob(context: Context, checkpointEvery: number): Promise<number> {
  const { name, workers } = fullMachine;
  const job = await FtcJob.start(context, name, {
    args: [name],
    workers,
    standbys: 0,
    heartbeat: '10s',
    checkpointEvery,
  });
  try {
    await job.whole();
    const lengths = { warmMs: 5_000, windowMs: 25_000 };
    const { value } = await speed(context, job.log, fullMachine, lengths);
    const what = checkpointEvery === every ? `a checkpoint every ${every} steps` : 'none';
    context.say(`three workers, 100 MB, ${what}: ${digits(value)} samples/s`);
    return value;
  } finally {
    await job.close();
  }
}

function page(context: Context, sizes: readonly Sized[], pairs: readonly number[], about: string): string {
  return `## Checkpoints

\`${context.options.command}\`, ${new Date().toISOString().slice(0, 10)}. ${about}

${table(targetHead, targets(sizes, pairs))}

${table(head, rows(sizes))}

A perceptron of eight equal hidden layers with Adam, its parameters and both moments of the given size; one worker under \`ftc up\`, one thread,
a checkpoint every ${every} steps, on the machine's own disk. One process makes all of it in turn, in stretches: no checkpoints, \`torch.save\` in
the loop (to a temporary name, synced, renamed), \`torch.distributed.checkpoint.async_save\` (one in flight), and ftc's own. Every round has one stretch of each, in an order
that moves on by one; speed kept is the stretch's against the one without checkpoints of its round: median of the rounds (least–greatest). The stall is what the
training thread stood still for one checkpoint: for torch.save all until it is durable, for async_save its call, for ftc what the worker reports (the copy at once, and the
wait for the rest of it before the next step commits). Until durable counts from the commit until everything is synced; ftc has also hashed everything twice by then (file and state), written
a manifest and moved \`LATEST\`. Written of due: at most one is in flight, so a checkpoint that is due meanwhile begins late, or is left out. torch.save for the target is
its call alone, without syncing. The copy is one of all the state's tensors into memory that was touched before. Resume loads the newest checkpoint, verified, into model and
optimizer; reading and hashing goes once over its file; both in turn, from the page cache.${
    pairs.length > 0
      ? `

The last line of targets is of whole jobs, in pairs: three workers on ${fullMachine.workers > 2 ? 'fewer cores than workers' : 'the cores'}, so that what happens behind training competes with it.`
      : ''
  }`;
}
