/** How the copies in S3 stand, in one line for people. */
import type { S3Status } from '../../api/s3.ts';
import { bytes, paint } from './format.ts';
import { duration } from '../../shared/duration.ts';

/**
 * `S3: step 100 is there`, `S3: step 50 is there, 2 checkpoints to copy (3.4 MB)`, and why it does not go on. Null where the
 * job asks for no copies, and while there is nothing to tell.
 */
export function s3Line(s3: S3Status | null, now: number): string | null {
  if (s3 === null) return null;
  const { backlogSteps: n, uploadedStep, newerStep, lastError, nextTryAt, restoredStep } = s3;
  const parts = [];
  if (uploadedStep !== null) parts.push(`step ${uploadedStep} is there`);
  else if (restoredStep !== null) parts.push(`step ${restoredStep} is restored`);
  if (n > 0) parts.push(`${n} checkpoint${n === 1 ? '' : 's'} to copy (${bytes(s3.backlogBytes)})`);
  if (newerStep !== null) parts.push(`it holds step ${newerStep}, which is newer`);
  if (lastError === null) return parts.length === 0 ? null : `S3: ${parts.join(', ')}`;
  const left = nextTryAt === null ? 0 : nextTryAt - now;
  const again = left < 1000 ? 'tries again' : `tries again in ${duration(left)}`;
  return paint('yellow', `S3: ${[...parts, lastError, again].join(', ')}`);
}

/** What is said when a job has ended and not all of its checkpoints are there. */
export function s3Rest(
  s3: S3Status | null,
  next = 'the master continues to copy until "ftc down"',
): string | null {
  if (s3 === null || s3.backlogSteps === 0) return null;
  const what = `S3: ${s3.backlogSteps} of its checkpoints ${s3.backlogSteps === 1 ? 'is' : 'are'} not there yet`;
  const why = s3.lastError === null ? '' : ` (${s3.lastError})`;
  return paint('yellow', `${what}${why}; ${next}`);
}
