/** What the copying says to people. Pure. */
import { duration } from '../../shared/duration.ts';
import type { Failure } from './failure.ts';

export const saying: Readonly<Record<Failure['kind'], string>> = {
  unreachable: 'checkpoints are not copied to S3 for now',
  refused: 'S3 refuses copies of checkpoints',
  unfit: 'checkpoints cannot be copied to what answers for S3',
  local: 'checkpoints cannot be read for S3',
};

export const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);

export const noneVerifies = ({ message }: Error, target: string): string =>
  `none of the checkpoints in ${target} verifies (${message}). To start over, remove them, or set another checkpoint.s3.prefix.`;

export const noRoom = ({ text }: Failure, target: string): string =>
  `what ${target} holds cannot be written here (${text}). Make room, or give the volume another place, and start the job again.`;

export function startsAnew(failure: Failure, timeoutMs: number): string {
  const how = failure.hopeless ? '' : ` for ${duration(timeoutMs)}`;
  return `nothing could be restored from S3${how} (${failure.text}): training starts at step 0; what S3 holds is left as it is`;
}
