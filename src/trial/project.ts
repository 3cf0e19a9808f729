/** The project of a run that tries a job out: the job with other numbers, a name of its own, and labels that say whose it is. */
import { ftcLabels } from '../shared/names.ts';
import type { Purpose } from '../runtime/runtime.ts';
import { noHooks } from '../job/hooks.ts';
import type { Job } from '../job/job.ts';
import { thisProcess, toText } from '../shared/process-id.ts';

export const verification: Purpose = { label: ftcLabels.verify, word: 'verify' };
export const experiment: Purpose = { label: ftcLabels.experiment, word: 'chaos' };

const LONGEST = 63;

/** `<job>-verify-<n>`, cut where that is too long for a name. */
export function runName({ word }: Purpose, job: string, n: number): string {
  const tail = `-${word}-${n}`;
  return job.slice(0, LONGEST - tail.length) + tail;
}

/** The job as one run has it: nothing of it is shared with the job itself. */
export function runJob(job: Job, name: string, workers: number, standbys: number): Job {
  const recovery = { ...job.recovery, minWorkers: Math.min(job.recovery.minWorkers, workers) };
  return {
    ...job,
    name,
    workers,
    standbys,
    recovery,
    port: 0,
    checkpoint: { ...job.checkpoint, dir: null, s3: null },
    // What it writes is for nobody.
    outputs: job.outputs === null ? null : { dir: null },
    // Nobody is to be woken for a trial.
    hooks: noHooks,
  };
}

export const ownLabels = ({ label }: Purpose, job: string): Readonly<Record<string, string>> => ({
  [label]: job,
  [ftcLabels.owner]: toText(thisProcess()),
});
