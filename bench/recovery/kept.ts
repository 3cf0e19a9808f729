/** How much of the undisturbed speed is left when a worker is killed every ten seconds. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Container } from '../../src/runtime/docker/engine.ts';
import { pace, recovered, settled } from '../analysis.ts';
import type { Context } from '../context.ts';
import type { FtcJob } from '../ftc-job.ts';
import { Invalid } from '../invalid.ts';
import { pairOrder, pairRatios, type Measured } from '../stats.ts';
import type { Blow } from './blow.ts';
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
  readonly kills: number;
  /** Those of the kills that fell on a whole job and were recovered before the next. */
  readonly blows: readonly Blow[];
}

interface Shot {
  readonly at: number;
  readonly victim: Container;
  readonly rank: number;
  /** Null when the job was not whole just then. */
  readonly generation: number | null;
}

export async function kept(context: Context, job: FtcJob, random: Random, plan: KeptPlan): Promise<Kept> {
  const runs: Measured[] = [];
  const blows: Blow[] = [];
  let kills = 0;
  for (const side of pairOrder(plan.pairs)) {
    await job.whole();
    const processes = job.log.processes;
    const from = Date.now();
    const to = from + (side === 'a' ? plan.disturbedMs : plan.undisturbedMs);
    const shots = side === 'a' ? await bombard(context, job, random, from, to, plan.everyMs) : [];
    await sleep(Math.max(0, to - Date.now()), undefined, { signal: context.signal });
    job.log.poll();
    const value = pace(job.log.between(from, to), from, to);
    runs.push({ side, value });
    context.say(
      side === 'a' ? `${value.toFixed(1)} steps/s with kills` : `${value.toFixed(1)} steps/s undisturbed`,
    );
    await job.whole();
    nothingElse(job, processes, shots);
    kills += shots.length;
    blows.push(...shots.flatMap((shot, i) => measured(job, shot, shots[i + 1]?.at) ?? []));
  }
  return { runs, ratios: pairRatios(runs), kills, blows };
}

/** One kill in the middle of every period, of whoever holds a rank then, whether the job is whole again or not. */
async function bombard(
  context: Context,
  job: FtcJob,
  random: Random,
  from: number,
  to: number,
  everyMs: number,
): Promise<Shot[]> {
  const shots: Shot[] = [];
  for (let due = from + everyMs / 2; due < to; due += everyMs) {
    await sleep(Math.max(0, due - Date.now()), undefined, { signal: context.signal });
    const members = await job.byRank();
    if (members.length < 2) throw new Invalid(`only one worker is left ${everyMs} ms after a kill`);
    const rank = random.below(members.length);
    const victim = members[rank];
    if (!victim) throw new Invalid(`nobody holds rank ${rank}`);
    const generation = settled(job.log.latest(), job.log.between(Date.now() - 2_000), job.spec.workers, 5);
    const at = Date.now();
    await context.connection.docker.getContainer(victim.id).kill();
    context.say(`kill ${shots.length + 1} of this stretch: rank ${rank} of ${members.length}`);
    shots.push({ at, victim, rank, generation });
  }
  return shots;
}

function measured(job: FtcJob, { at, victim, rank, generation }: Shot, next = Infinity): Blow | null {
  if (generation === null) return null;
  const loss = { at, generation, victims: new Set([victim.hostname]), full: job.spec.workers };
  const found = recovered(job.log.between(at - 5_000, next), loss);
  return found && { deed: 'kill', at, ranks: [rank], ...found };
}

/** Every kill brought one new process of the one that was killed, and no other came. */
function nothingElse(job: FtcJob, before: ReadonlySet<string>, shots: readonly Shot[]): void {
  const born = [...job.log.processes].filter(name => !before.has(name));
  const workers = born.map(name => name.slice(0, name.lastIndexOf('-'))).sort();
  const killed = shots.map(shot => shot.victim.hostname).sort();
  if (workers.join() !== killed.join())
    throw new Invalid(
      `killed ${killed.join(', ') || 'nobody'}, and ${workers.join(', ') || 'nobody'} came anew`,
    );
}
