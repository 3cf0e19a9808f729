/** What a script gets beside its own folder: variables, mounts, room in memory, and limits. */
import { mounts } from '../src/shared/names.ts';
import type { Job } from '../src/job/job.ts';
import { literal } from './literal.ts';
import { isOneNode } from './node.ts';
import { hostPath, type Place } from './place.ts';

const packageFolder = '/opt/ftc';

/** By name, so that the order in which they were given changes nothing. Null is for Compose to pass through. */
export function scriptEnvironment({ environment }: Job): Record<string, string | null> {
  const sorted = Object.entries(environment).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(
    sorted.map(([name, value]) => {
      if (value === null) return [name, null];
      return [name, literal(name === 'PYTHONPATH' ? `${packageFolder}:${value}` : value)];
    }),
  );
}

export function scriptVolumes({ volumes, outputs }: Job, place: Place): unknown[] {
  return [
    ...volumes.map(({ source, target, writable }) =>
      bind(hostPath(place, source), literal(target), writable),
    ),
    ...(outputs?.dir == null ? [] : [bind(hostPath(place, outputs.dir), mounts.outputs, true)]),
  ];
}

/** A directory that must exist: the engine would make an empty one of root's otherwise. */
export function bind(source: string, target: string, writable = false): Record<string, unknown> {
  return {
    type: 'bind',
    source,
    target,
    ...(!writable && { read_only: true }),
    bind: { create_host_path: false },
  };
}

export function scriptRoom(job: Job, place: Place): Record<string, unknown> {
  const {
    envFile,
    shmSize,
    outputs,
    resources: { tmp, pids },
  } = job;
  // Those of a node are volumes that its workers share.
  const own = !isOneNode(job);
  return {
    ...(envFile !== null && { env_file: [hostPath(place, envFile)] }),
    // Loaders with processes of their own hand batches over in shared memory.
    ...(own && { shm_size: shmSize }),
    // `exec`: what torch compiles is kept in a cache under $HOME and loaded from there.
    tmpfs: [
      ...(own ? [`/tmp:exec,size=${tmp}`] : []),
      ...(outputs?.dir === null ? [`${mounts.outputs}:size=${tmp},mode=1777`] : []),
    ],
    pids_limit: pids,
  };
}
