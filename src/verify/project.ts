/** The project of one run of a verification: the job with other numbers, a name of its own, and labels that say whose it is. */
import { hostname } from 'node:os';
import type { ComposeFile } from '../../compose/render.ts';
import type { Service } from '../../compose/services.ts';
import type { Job } from '../job/job.ts';

/** Whose verification a container, volume or network belongs to: the job's name. */
export const LABEL_VERIFY = 'io.ftc.verify';
/** The process that answers for it: `host/pid`. */
export const LABEL_OWNER = 'io.ftc.verify.owner';

const LONGEST = 63;

/** `<job>-verify-<n>`, cut where that is too long for a name. */
export function runName(job: string, n: number): string {
  const tail = `-verify-${n}`;
  return job.slice(0, LONGEST - tail.length) + tail;
}

/** The job as one run of its verification has it: nothing of it is shared with the job itself. */
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
  };
}

export const ownLabels = (job: string): Readonly<Record<string, string>> => ({
  [LABEL_VERIFY]: job,
  [LABEL_OWNER]: `${hostname()}/${process.pid}`,
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
    ...(volumes && {
      volumes: Object.fromEntries(Object.entries(volumes).map(([key, volume]) => [key, mark(volume)])),
    }),
    networks: { default: mark(networks.default) },
  };
}
