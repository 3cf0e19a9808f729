/** What faults of the checkpoint volume share: a helper that has it mounted, as the user whose files they are. */
import { z } from 'zod';
import { FtcError } from '../../src/errors.ts';
import { type Act, look, type Looked, type Place, undo } from '../helper/helper.ts';
import type { Draft, FaultRecord, Hit, World } from './fault.ts';

const MOUNT = '/checkpoints';

/** Enough to find the volume again when all containers are gone. */
export const VolumeData = z.object({
  act: z.custom<Act>(value => z.object({ act: z.string() }).safeParse(value).success),
  source: z.string(),
  user: z.string(),
});
export type VolumeData = z.output<typeof VolumeData>;

const place = ({ source, user }: VolumeData): Place => ({
  network: 'none',
  capabilities: [],
  binds: [`${source}:${MOUNT}`],
  user,
});

/** A helper that has looked at the volume; what is recorded is `data`, with what was seen. */
export async function lookAtVolume<Before extends object>(
  world: World,
  { container }: Hit,
  draft: Draft,
  act: Act,
  Before: z.ZodType<Before>,
): Promise<Looked<Before> & { data: VolumeData }> {
  const [source, user] = await Promise.all([
    world.lab.mount(container.id, MOUNT),
    world.lab.user(container.id),
  ]);
  if (source === null)
    throw new FtcError('FTC_CANNOT', `${container.name} has no checkpoint volume`, {
      hint: 'The master and the workers of a job have it.',
    });
  const data = { act: { ...act, job: container.job }, source, user };
  const looked = await look(world, draft, data.act, place(data), Before, data);
  return { ...looked, data: { ...data, act: { ...data.act, ...looked.before } } };
}

/** The volume may outlive its containers. */
export async function revertVolume(world: World, record: FaultRecord, data: VolumeData): Promise<null> {
  await undo(world, record, data.act, place(data));
  return null;
}
