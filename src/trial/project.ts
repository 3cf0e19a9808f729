/** The project of a run that tries a job out: the job with other numbers, a name of its own, and labels that say whose it is. */
import { ftcLabels } from '../shared/names.ts';
import type { ComposeFile } from '../../compose/render.ts';
import type { Service } from '../../compose/services.ts';
import { noHooks } from '../job/hooks.ts';
import type { Job } from '../job/job.ts';
import { thisProcess, toText } from '../shared/process-id.ts';

/** Why runs are made. */
export interface Purpose {
  /** Names the label that a run's containers, volumes and networks have; its value is the job's name. */
  readonly label: string;
  /** A part of the project's name. */
  readonly word: string;
}

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

/** The file with `labels` on everything that it makes. */
export function labelled(file: ComposeFile, labels: Readonly<Record<string, string>>): ComposeFile {
  const mark = (thing: Service): Service => ({
    ...thing,
    labels: { ...(thing['labels'] as object), ...labels },
  });
  const { services, volumes, networks } = file;
  return {
    ...file,
    services: {
      master: mark(services.master),
      worker: mark(services.worker),
      supervisor: mark(services.supervisor),
    },
    volumes: Object.fromEntries(Object.entries(volumes).map(([key, volume]) => [key, mark(volume)])),
    networks: { default: mark(networks.default) },
  };
}
