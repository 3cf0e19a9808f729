/** The three services of a job, as Compose knows them. */
import { type Role, ftcLabels, mounts, ports } from '../src/shared/names.ts';
import { createHash } from 'node:crypto';
import { dirname } from 'node:path';
import { builtinOf, type Job } from '../src/job/job.ts';
import { dataBundle, dataCredentials, dataEnvironment, dataVolumes } from './data.ts';
import * as environment from './environment.ts';
import { toSeconds } from '../src/job/duration.ts';
import { masks } from './hidden.ts';
import { hookParts } from './hooks.ts';
import { literal, variable } from './literal.ts';
import { masterPlace, memberKey } from './members.ts';
import { isOneNode, nodeMounts } from './node.ts';
import { contextPath, hostPath, type Place } from './place.ts';
import { requirementsLayer } from './requirements.ts';
import { s3Bundle, s3Credentials, s3Environment } from './s3.ts';
import { bind, scriptEnvironment, scriptRoom, scriptVolumes } from './script.ts';

export type Service = Record<string, unknown>;

/** What to build with when nothing is said. A checkout without a registry names its own in FTC_BASE_IMAGE. */
export const baseImage = variable('FTC_BASE_IMAGE', 'debian:trixie-slim');

export function master(job: Job, place: Place, withStore = false): Service {
  const login = s3Credentials(job, place);
  const bundle = s3Bundle(job, place);
  const hooks = hookParts(job, place);
  const secrets = [...login.secrets, ...hooks.secrets];
  return {
    ...control(place),
    command: ['node', '/opt/ftc/master.js'],
    user: place.user,
    environment: {
      ...environment.masterEnvironment(job),
      ...volumeEnvironment(job, place),
      ...s3Environment(job),
      ...login.environment,
      ...bundle.environment,
      ...hooks.environment,
    },
    ...(secrets.length > 0 && { secrets }),
    ...hooks.service,
    ports: [`127.0.0.1:${variable('FTC_PORT', String(job.port))}:${ports.http}`],
    volumes: [checkpoints(job, place), ...masterPlace(), ...bundle.volumes, ...hooks.volumes],
    restart: 'unless-stopped',
    // Time to finish a copy.
    ...(job.checkpoint.s3 !== null && { stop_grace_period: '30s' }),
    // The store, where there is one beside the job, is stopped after who still copies to it.
    ...(withStore && { depends_on: { s3: { condition: 'service_started', required: false } } }),
    ...common(job, 'master'),
  };
}

export function worker(job: Job, place: Place): Service {
  const login = dataCredentials(job, place);
  const bundle = dataBundle(job, place);
  const suffix =
    job.base === null ? '' : `-${createHash('sha256').update(job.base).digest('hex').slice(0, 8)}`;
  const layer = requirementsLayer(place);
  return {
    image: `ftc-worker:${place.version}${suffix}${layer?.suffix ?? ''}`,
    build: {
      ...build('worker', place, job.base ?? baseImage, layer?.args),
      target: layer?.target ?? 'worker',
      ...(layer !== null && { secrets: layer.secrets }),
    },
    scale: job.workers + job.standbys,
    user: place.user,
    environment: {
      ...Object.fromEntries(
        Object.entries(environment.workerEnvironment(job)).map(([name, value]) => [name, literal(value)]),
      ),
      ...dataEnvironment(job),
      ...login.environment,
      ...bundle.environment,
      ...scriptEnvironment(job),
    },
    ...(login.secrets.length > 0 && { secrets: login.secrets }),
    depends_on: ['master'],
    volumes: [
      checkpoints(job, place),
      memberKey('worker'),
      ...(builtinOf(job.script) === null ? [bind(hostPath(place, dirname(job.script)), mounts.script)] : []),
      ...(job.dataset === null ? [] : [bind(hostPath(place, job.dataset), mounts.dataset)]),
      ...dataVolumes(job),
      ...bundle.volumes,
      ...scriptVolumes(job, place),
      ...nodeMounts(job),
      ...masks(place.hidden?.script ?? [], mounts.script),
      ...masks(place.hidden?.dataset ?? [], mounts.dataset),
    ],
    // One supervisor, not two: ftc's own starts workers again.
    restart: 'no',
    // Time to commit the step and write a checkpoint; a script for torchrun has it for itself.
    stop_grace_period: `${toSeconds(job.stopGrace)}s`,
    ...limits(job),
    ...common(job, 'worker'),
    ...scriptRoom(job, place),
  };
}

export function supervisor(job: Job, place: Place): Service {
  const socket = variable('FTC_DOCKER_SOCKET', '/var/run/docker.sock');
  return {
    ...control(place),
    command: ['/opt/ftc/supervisor.sh'],
    // Starts as root only to read who owns the socket, then becomes user 10001 in that group.
    user: '0:0',
    cap_add: ['SETUID', 'SETGID'],
    environment: environment.supervisorEnvironment(job),
    // Stops before the workers do, so that it does not start again what is being stopped.
    depends_on: ['master', 'worker'],
    volumes: [`${socket}:/var/run/docker.sock`, memberKey('supervisor')],
    restart: 'unless-stopped',
    ...common(job, 'supervisor'),
  };
}

/** What the master calls the volume when it tells a person what to do about it. */
function volumeEnvironment({ name, checkpoint }: Job, place: Place): Record<string, string> {
  return {
    ...(checkpoint.dir === null
      ? { FTC_CHECKPOINT_VOLUME: `${name}_checkpoints` }
      : { FTC_CHECKPOINT_HOST_DIR: hostPath(place, checkpoint.dir) }),
    FTC_IMAGE: controlImage(place),
  };
}

const controlImage = ({ version }: Place): string => `ftc-control:${version}`;

function control(place: Place): Service {
  return { image: controlImage(place), build: build('control', place, baseImage) };
}

export function build(
  image: 'control' | 'worker' | 's3',
  place: Place,
  base: string,
  args: Readonly<Record<string, string | null>> = {},
): Service {
  return {
    context: contextPath(place),
    dockerfile: `images/${image}/Dockerfile`,
    args: { BASE_IMAGE: base, ...args },
  };
}

/** What every container of a job has; `s3` is not one that trains, and `ftc` does not count it. */
export function common(job: Job, role: Role | 's3'): Service {
  return {
    init: true,
    read_only: true,
    tmpfs: ['/tmp:size=256m'],
    pids_limit: 512,
    cap_drop: ['ALL'],
    security_opt: ['no-new-privileges:true'],
    labels: { [ftcLabels.job]: job.name, [ftcLabels.role]: role },
    logging: { driver: 'json-file', options: { 'max-size': '10m', 'max-file': '3' } },
  };
}

function checkpoints({ checkpoint }: Job, place: Place): unknown {
  return checkpoint.dir === null
    ? `checkpoints:${mounts.checkpoints}`
    : { type: 'bind', source: hostPath(place, checkpoint.dir), target: mounts.checkpoints };
}

function limits(job: Job): Service {
  const { cpus, memory, gpus } = job.resources;
  // A process of a node sees all that the node has, and takes `cuda:LOCAL_RANK`.
  const count = isOneNode(job) ? 'all' : gpus;
  return {
    ...(cpus !== null && { cpus }),
    // Equal limits leave no swap: a worker that outgrows its memory dies at once instead of slowing everybody down.
    ...(memory !== null && { mem_limit: memory, memswap_limit: memory }),
    ...(gpus !== null && {
      deploy: {
        resources: { reservations: { devices: [{ driver: 'nvidia', count, capabilities: ['gpu'] }] } },
      },
    }),
  };
}
