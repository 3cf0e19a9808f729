/**
 * Workers that are one node to a script for torchrun: what the processes of one machine have in common, besides their
 * network. A volume in memory outlives the worker that dies, as long as another one uses it.
 */
import type { Job } from '../src/job/job.ts';
import type { Service } from './services.ts';

const shared = { tmp: '/tmp', shm: '/dev/shm' } as const;

export const isOneNode = ({ launcher, node }: Pick<Job, 'launcher' | 'node'>): boolean =>
  launcher === 'torchrun' && node === 'machine';

/** For the worker's `volumes`. `nocopy`: the image's own folder is not to decide about rights. */
export function nodeMounts(job: Job): Service[] {
  if (!isOneNode(job)) return [];
  return Object.entries(shared).map(([source, target]) => ({
    type: 'volume',
    source,
    target,
    volume: { nocopy: true },
  }));
}

/** For the project's `volumes`: as much room as the workers would have had one by one. */
export function nodeVolumes(job: Job, labels: Readonly<Record<string, string>>): Record<string, Service> {
  if (!isOneNode(job)) return {};
  const count = job.workers + job.standbys;
  const inMemory = (each: string): Service => ({
    driver_opts: { type: 'tmpfs', device: 'tmpfs', o: `size=${times(each, count)},mode=1777,nosuid,nodev` },
    labels,
  });
  return { tmp: inMemory(job.resources.tmp), shm: inMemory(job.shmSize) };
}

/** `2g`, or `1gb`, so many times, as the kernel reads it. */
function times(amount: string, count: number): string {
  const [, number = '1', unit = ''] = /^(\d+)([kmg])b?$/i.exec(amount) ?? [];
  return `${Number(number) * count}${unit.toLowerCase()}`;
}
