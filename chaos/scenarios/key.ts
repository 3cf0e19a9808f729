/** What decides a job's result, as one short text. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { builtinOf, type Job } from '../../src/job/job.ts';

/** Of the machine and the images that run the job. */
export interface Ground {
  /** The worker image's id. */
  readonly image: string;
  /** The engine's, and what its processor is: other ones may add up otherwise. */
  readonly machine: string;
}

/** Equal for jobs that must end with the same bits on the same ground. Not the number of workers: it decides nothing. */
export function resultKey(job: Job, ground: Ground): string {
  const { script, args, virtualRanks, seed, length, onNonFinite, threads, backend, dataset, data, base } =
    job;
  const decisive = {
    args,
    virtualRanks,
    seed,
    length,
    onNonFinite,
    threads,
    backend,
    dataset,
    data,
    base,
    ...ground,
  };
  return createHash('sha256')
    .update(JSON.stringify(decisive))
    .update('\0')
    .update(builtinOf(script) ?? readFileSync(script))
    .digest('hex')
    .slice(0, 32);
}

/** The key covers all of it: no data or modules from elsewhere, which may change without a word. */
export const isSelfContained = ({ script, dataset, data }: Job, ownScript: string): boolean =>
  script === ownScript && dataset === null && data === null;
