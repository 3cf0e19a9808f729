/** The error with which a command ends that saw a job fail. */
import { FtcError } from '../errors.ts';
import type { Status } from '../api/status.ts';
import { whatIsWrong, whatToDo } from '../api/volume.ts';

/** @param hint where the script is to blame */
export function jobFailed({ job, reason, volume }: Status, hint: string): FtcError {
  if (volume !== null) return new FtcError('FTC_VOLUME', whatIsWrong(volume), { hint: whatToDo(volume) });
  return new FtcError('FTC_JOB_FAILED', `the job "${job}" failed: ${reason ?? 'no reason is known'}`, {
    hint,
  });
}
