/** What the copying says to people. Pure. */
import type { Failure } from './failure.ts';

export const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);

export const noneVerifies = ({ message }: Error, target: string): string =>
  `none of the checkpoints in ${target} verifies (${message}). To start over, remove them, or set another checkpoint.s3.prefix.`;

export const noRoom = ({ text }: Failure, target: string): string =>
  `what ${target} holds cannot be written here (${text}). Make room, or give the volume another place, and start the job again.`;
