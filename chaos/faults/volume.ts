/** What faults of the checkpoint volume share: a helper that has it mounted, as the user whose files they are. */
import { mounts } from '../../src/shared/names.ts';
import { z } from 'zod';
import type { Mounted } from '../../src/runtime/faults.ts';
import { FtcError } from '../../src/errors.ts';
import { containerUser } from '../../src/job/host.ts';
import { VolumeAct } from '../helper/act.ts';
import { look, type Looked, type Place, undo } from '../helper/helper.ts';
import { there } from './again.ts';
import type { Draft, FaultRecord, Hit, World } from './fault.ts';

/** Compose's name for it. */
const KEY = 'checkpoints';

/** What was done. Not where: that is asked of the engine again, as whoever wrote the record may not have been us. */
export const VolumeData = z.object({ act: VolumeAct });
export type VolumeData = z.output<typeof VolumeData>;

interface Volume {
  readonly job: string;
  readonly mounted: Mounted;
  /** `uid:gid`. */
  readonly user: string;
}

const place = ({ mounted, user }: Volume): Place => ({
  network: null,
  capabilities: [],
  mounts: [{ ...mounted, target: mounts.checkpoints }],
  user,
});

/** A helper that has looked at the volume; what is recorded is `data`, with what was seen. */
export async function lookAtVolume<Before extends object>(
  world: World,
  { container }: Hit,
  draft: Draft,
  act: VolumeAct,
  Before: z.ZodType<Before>,
): Promise<Looked<Before> & { data: VolumeData }> {
  const volume = await ofContainer(world, container);
  if (volume === null)
    throw new FtcError('FTC_CANNOT', `${container.name} has no checkpoint volume`, {
      hint: 'The master and the workers of a job have it.',
    });
  const looked = await look(world, draft, { ...act, job: volume.job }, place(volume), Before, { act });
  return { ...looked, data: VolumeData.parse({ act: { ...act, ...looked.before } }) };
}

/** The volume may outlive its containers. */
export async function revertVolume(world: World, record: FaultRecord, { act }: VolumeData): Promise<null> {
  const volume = await volumeOf(world, record);
  await undo(world, record, { ...act, job: volume.job }, place(volume));
  return null;
}

/**
 * By the container that was hit, by any other of its project, or by the volume's labels.
 * @throws FtcError FTC_CANNOT where nothing of the project is left that could tell
 */
async function volumeOf(world: World, record: FaultRecord): Promise<Volume> {
  const hit = await there(world, record);
  for (const container of [...(hit ? [hit] : []), ...(await world.hands.list())]) {
    const volume = await ofContainer(world, container);
    if (volume !== null) return volume;
  }
  const found = await world.faults.volume(record.project, KEY);
  if (found !== null)
    return { job: found.job, mounted: { type: 'volume', source: found.name }, user: containerUser };
  throw new FtcError(
    'FTC_CANNOT',
    `no container and no volume of "${record.project}" is left that says where its checkpoints are: start it ("ftc up"), and heal again`,
  );
}

async function ofContainer(
  { faults }: World,
  { id, job }: { id: string; job: string },
): Promise<Volume | null> {
  const [mounted, user] = await Promise.all([faults.mount(id, mounts.checkpoints), faults.user(id)]);
  return mounted && { job, mounted, user };
}
