/** What several faults share: whether the target is still there, and starting it again. */
import type { Replica } from '../../src/runtime/replica.ts';
import { z } from 'zod';
import { FtcError } from '../../src/errors.ts';
import type { FaultRecord, Hit, World } from './fault.ts';

/** For faults that keep nothing. */
export const nothing = z.strictObject({});

/**
 * The container of a record; null where it is gone.
 * @throws FtcError FTC_NOT_TRUSTED where that container is of another project, whatever the record says
 */
export async function there(world: World, record: FaultRecord): Promise<Replica | null> {
  const container = await world.hands.inspect(record.container.id);
  if (container === null || container.project === record.project) return container;
  throw new FtcError(
    'FTC_NOT_TRUSTED',
    `its record names ${container.name}, a container of "${container.project}": that is left alone`,
  );
}

/** The container, if it is still the run that was hit: not a later one, and not one that has ended. */
export async function sameRun(world: World, record: FaultRecord): Promise<Replica | null> {
  const container = await there(world, record);
  if (!container || container.startedAt !== record.container.startedAt) return null;
  return container.state === 'running' || container.state === 'paused' ? container : null;
}

export const GONE = 'the container is gone';
export const LATER = 'it was started again meanwhile, without the fault';

/** For what only ends a container: it is started, if nobody has. */
export async function startAgain(world: World, record: FaultRecord): Promise<string | null> {
  const container = await there(world, record);
  if (!container) return GONE;
  if (container.state === 'exited' || container.state === 'dead') await world.hands.start(container.id);
  return null;
}

/** For what is one call to the engine. */
export const byCall = (hit: Hit, call: (id: string) => Promise<void>) => ({
  data: {},
  apply: () => call(hit.container.id),
});
