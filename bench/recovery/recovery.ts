/** Recovery, of ftc and of torchrun, in one run on the same image and the same model. */
import { setTimeout as sleep } from 'node:timers/promises';
import { gaps, stepTimes } from '../analysis.ts';
import type { Context, Section } from '../context.ts';
import { FtcJob, type FtcSpec } from '../ftc-job.ts';
import { Invalid } from '../invalid.ts';
import { describe, machine, versions } from '../machine.ts';
import { duration, table } from '../markdown.ts';
import { median } from '../stats.ts';
import { kept } from './kept.ts';
import { killMaster, type MasterKill } from './master.ts';
import { Random } from './random.ts';
import { head, rows, type Results } from './rows.ts';
import { series } from './series.ts';
import { torchrunKills } from './torchrun.ts';

const workload = 'small-mlp';
const workers = 3;
const checkpointEvery = 100;
const timeoutMs = 2_000;

interface Counts {
  readonly double: number;
  readonly pauses: number;
  readonly masters: number;
  readonly keptPairs: number;
  readonly keptMs: number;
}

const full: Counts = { double: 5, pauses: 10, masters: 5, keptPairs: 2, keptMs: 60_000 };
const quick: Counts = { double: 1, pauses: 1, masters: 1, keptPairs: 1, keptMs: 20_000 };

export async function recovery(context: Context): Promise<Section> {
  const { options, connection } = context;
  const counts = options.quick ? quick : full;
  const facts = machine();
  const random = new Random(options.seed);
  const wants = new Set(options.parts);
  const spec = { args: [workload], workers, heartbeat: '5s', standbys: 0, checkpointEvery };

  const alone = await withJob(context, 'alone', spec, async job => {
    const stepMs = await stepTime(context, job);
    context.say(`a step takes ${stepMs.toFixed(1)} ms`);
    const speed = wants.has('kept')
      ? await kept(context, job, random, {
          pairs: counts.keptPairs,
          disturbedMs: counts.keptMs,
          undisturbedMs: counts.keptMs / 2,
          everyMs: 10_000,
        })
      : null;
    const more = wants.has('kills') ? Math.max(0, options.kills - (speed?.blows.length ?? 0)) : 0;
    const kills = await series(context, job, random, { deed: 'kill', blows: more, count: 1, title: 'kill' });
    const double = await series(context, job, random, {
      deed: 'kill',
      blows: wants.has('double') ? counts.double : 0,
      count: 2,
      title: 'kill of two',
    });
    const masters = await masterKills(context, job, wants.has('master') ? counts.masters : 0);
    return {
      image: job.image,
      stepMs,
      speed,
      kills: [...(speed?.blows ?? []), ...kills],
      double,
      masters,
    };
  });

  const pauses = wants.has('pause')
    ? await withJob(context, 'pause', { ...spec, heartbeat: `${timeoutMs}ms` }, async job => {
        sameImage(alone.image, job.image);
        const plan = { deed: 'pause', blows: counts.pauses, count: 1, title: 'pause' } as const;
        return series(context, job, random, plan);
      })
    : [];

  const standby = wants.has('standby')
    ? await withJob(context, 'standby', { ...spec, standbys: 1 }, async job => {
        sameImage(alone.image, job.image);
        const plan = { deed: 'kill', blows: options.kills, count: 1, title: 'kill with a standby' } as const;
        return series(context, job, random, plan);
      })
    : [];

  const torchrun = wants.has('torchrun')
    ? await torchrunKills(
        context,
        { workload, workers, checkpointEvery, image: alone.image },
        random,
        options.torchrunKills,
      )
    : [];

  const { stepMs, image, speed: keptSpeed, masters: master, ...rest } = alone;
  const results: Results = { ...rest, master, kept: keptSpeed, pauses, standby, torchrun, timeoutMs };
  const about = await versions(connection, image);
  return {
    body: page(context, results, stepMs, describe(facts, about)),
    data: { machine: facts, versions: about, stepMs, ...results },
  };
}

async function withJob<T>(
  context: Context,
  label: string,
  spec: FtcSpec,
  work: (job: FtcJob) => Promise<T>,
): Promise<T> {
  context.say(`starting ${spec.workers} workers and ${spec.standbys} standbys under ftc`);
  const job = await FtcJob.start(context, label, spec);
  try {
    return await work(job);
  } catch (error) {
    // What the containers say is gone with them.
    if (error instanceof Invalid) throw new Invalid(`${error.message}\n${await job.output()}`);
    throw error;
  } finally {
    await job.close();
  }
}

/** The middle time between two steps of an undisturbed stretch, milliseconds. */
async function stepTime({ signal }: Context, job: FtcJob): Promise<number> {
  await job.whole();
  const from = Date.now();
  await sleep(3_000, undefined, { signal });
  job.log.poll();
  return median(gaps(stepTimes(job.log.between(from))));
}

async function masterKills(context: Context, job: FtcJob, count: number): Promise<MasterKill[]> {
  const done: MasterKill[] = [];
  while (done.length < count) {
    const found = await killMaster(context, job);
    done.push(found);
    context.say(
      `master killed ${done.length}/${count}: longest gap ${Math.round(found.longestMs)} ms (undisturbed ${Math.round(found.undisturbedLongestMs)} ms), back after ${Math.round(found.backMs)} ms`,
    );
  }
  return done;
}

function sameImage(one: string, other: string): void {
  if (one !== other) throw new Invalid(`the workers' image changed during the run: ${one}, then ${other}`);
}

function page(context: Context, results: Results, stepMs: number, about: string): string {
  const { command } = context.options;
  return `## Recovery

\`${command}\`, ${new Date().toISOString().slice(0, 10)}. ${about}

${table(head, rows(results))}

Three workers in three containers, one thread each; a multilayer perceptron of 0.2 million parameters, the same under ftc and
torchrun, of which an undisturbed step takes ${duration(stepMs)} (median), and a checkpoint every ${checkpointEvery} steps. Every committed step is
written down by every worker, with the time by its own clock, which in containers is the host's. Time counts from right before
the request to the engine to kill (or pause) the container. The next step is the first that survivors commit without the lost:
steps that were committed together with it while the request was under way do not count. Ranks are chosen at random, rank 0
included, at random moments, each time after all ranks had trained again; a run in which anything else was restarted is thrown
away. p99 is by nearest rank: below 100 values it is the greatest. Steps lost are those that a survivor had committed and that
were made again; under torchrun, those that anybody had committed. ftc restarts without growing delays here (\`backoff.reset: 1s\`).

torchrun: \`--nnodes=3\`, c10d rendezvous, \`--max-restarts\`, DistributedDataParallel, containers with the restart policy
\`on-failure\`, stores without libuv (Debian's torch has none). The engine does not start a container again that was killed
through it, so each kill is followed at once by a start. The node that hosts the rendezvous is spared: nothing comes back without it.`;
}
