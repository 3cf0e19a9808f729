/** One blow to a whole job, and what came of it. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Container } from '../../src/runtime/docker/engine.ts';
import { recovered, type Recovered } from '../analysis.ts';
import type { Context } from '../context.ts';
import { patienceMs, type FtcJob } from '../ftc-job.ts';
import { Invalid } from '../invalid.ts';
import type { Random } from './random.ts';

export type Deed = 'kill' | 'pause';

export interface Blow extends Recovered {
  readonly deed: Deed;
  /** Ranks that were hit. */
  readonly ranks: readonly number[];
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** So far before a blow the log is looked at: longer than any step. */
const lookBackMs = 5_000;
/** Blows fall at any moment of a step, and of what happens between. */
const jitterMs = 300;

/**
 * Hits `count` workers chosen at random, once the job is whole, and resolves when it is again.
 * @throws Invalid when anything else happened to the job meanwhile
 */
export async function strike(
  context: Context,
  job: FtcJob,
  random: Random,
  deed: Deed,
  count = 1,
): Promise<Blow> {
  const { signal } = context;
  const generation = await job.whole();
  await sleep(random.next() * jitterMs, undefined, { signal });
  const before = await job.workers();
  const members = await job.byRank();
  const targets = random.some(members, count);
  const processes = job.log.processes;
  const at = Date.now();
  await Promise.all(targets.map(c => hit(context, c, deed)));
  const loss = {
    at,
    generation,
    victims: new Set(targets.map(c => c.hostname)),
    full: job.spec.workers,
  };
  const found = await job.log.until(
    () => recovered(job.log.between(at - lookBackMs), loss),
    `${job.name}: whole after the ${deed} of ${targets.map(c => c.name).join(', ')}`,
    patienceMs,
    signal,
  );
  await job.whole();
  await unharmed(job, before, loss.victims, processes);
  return { deed, at, ranks: targets.map(c => members.indexOf(c)).sort(), ...found };
}

async function hit({ connection: { docker } }: Context, { id }: Container, deed: Deed): Promise<void> {
  const container = docker.getContainer(id);
  await (deed === 'kill' ? container.kill() : container.pause());
}

/** Nobody but the victims was started again, and each of them once. */
async function unharmed(
  job: FtcJob,
  before: readonly Container[],
  victims: ReadonlySet<string>,
  processes: ReadonlySet<string>,
): Promise<void> {
  for (const now of await job.workers()) {
    const then = before.find(c => c.id === now.id);
    const restarted = now.startedAt !== then?.startedAt;
    if (restarted !== victims.has(now.hostname))
      throw new Invalid(`${now.name} was ${restarted ? '' : 'not '}started again\n${await job.output()}`);
  }
  job.log.poll();
  const born = [...job.log.processes].filter(name => !processes.has(name));
  const strange = born.find(name => !victims.has(name.slice(0, name.lastIndexOf('-'))));
  if (strange !== undefined || born.length > victims.size)
    throw new Invalid(`processes ${born.join(', ')} came, of ${victims.size} victims`);
}
