/**
 * What a job owns on the engine: the containers, networks and volumes that carry ftc's label with the job's name and belong to the
 * Compose project of that name. Nothing else is stopped, killed or removed here, whatever project it belongs to.
 */
import { composeLabels, ftcLabels } from '../../shared/names.ts';
import type Docker from 'dockerode';
import { engineError, statusOf } from './engine-error.ts';

type Labels = Readonly<Record<string, string | undefined>> | null | undefined;

export interface Owned {
  readonly containers: readonly OwnedContainer[];
  readonly networks: readonly { readonly id: string; readonly name: string }[];
}

interface OwnedContainer {
  readonly id: string;
  readonly name: string;
  readonly role: string;
  /** As the engine has it: `running`, `exited`, … */
  readonly state: string;
  /** The folder that it was started for; null where no label says so. */
  readonly folder: string | null;
}

export interface OwnedVolume {
  readonly name: string;
  readonly role: string | null;
}

/** `onLine` is told of each container that was stopped or removed. */
export interface EndOptions {
  readonly onLine?: (line: string) => void;
  readonly signal?: AbortSignal;
  /** How long a container may take to stop. Default: what it was made with. */
  readonly seconds?: number;
}

/** Do these labels say that the thing is the job's? */
export const isOwn = (labels: Labels, name: string): boolean =>
  labels?.[ftcLabels.job] === name && labels[composeLabels.project] === name;

const ownFilter = (name: string) => ({
  label: [`${ftcLabels.job}=${name}`, `${composeLabels.project}=${name}`],
});

/** Who may start others again ends first; the master hears of the workers' end; the store is there to the last. */
const order = ['supervisor', 'worker', 'master', 's3'];

export async function owned(docker: Docker, name: string): Promise<Owned> {
  const filters = ownFilter(name);
  const [containers, networks] = await asked(
    `list what is of "${name}"`,
    Promise.all([docker.listContainers({ all: true, filters }), docker.listNetworks({ filters })]),
  );
  return {
    containers: containers.map(({ Id, Names, Labels, State }) => ({
      id: Id,
      name: (Names[0] ?? Id).replace(/^\//, ''),
      role: Labels[ftcLabels.role] ?? '',
      state: State,
      folder: Labels[composeLabels.folder] ?? null,
    })),
    networks: networks.map(({ Id, Name }) => ({ id: Id, name: Name })),
  };
}

export async function ownedVolumes(docker: Docker, name: string): Promise<OwnedVolume[]> {
  const filters = ownFilter(name) as never;
  const { Volumes } = await asked(`list the volumes of "${name}"`, docker.listVolumes({ filters }));
  return Volumes.map(({ Name, Labels }) => ({
    name: Name,
    role: (Labels as Labels)?.[ftcLabels.role] ?? null,
  }));
}

/** Removes those of the job's own volumes that Compose knows by these names and nobody uses. */
export async function removeOwnVolumes(
  docker: Docker,
  name: string,
  volumes: readonly string[],
): Promise<void> {
  const wanted = volumes.map(volume => `${name}_${volume}`);
  for (const volume of await ownedVolumes(docker, name))
    if (wanted.includes(volume.name))
      await benign(`remove the volume ${volume.name}`, docker.getVolume(volume.name).remove(), [404, 409]);
}

/** Stops the job's containers; each gets the time that it was made with, or `seconds`. */
export async function stopJob(docker: Docker, name: string, options: EndOptions = {}): Promise<void> {
  await inOrder((await owned(docker, name)).containers, options, async container => {
    await stop(docker, container, options);
    options.onLine?.(`${container.name} is stopped`);
  });
}

/** Ends the job's containers at once. */
export async function killJob(docker: Docker, name: string): Promise<void> {
  await inOrder((await owned(docker, name)).containers, {}, async ({ id, name: container }) => {
    await thaw(docker, id);
    await benign(`kill ${container}`, docker.getContainer(id).kill(), [404, 409]);
  });
}

/** Stops and removes the job's containers, then its network. Volumes stay. */
export async function removeJob(docker: Docker, name: string, options: EndOptions = {}): Promise<void> {
  const { containers, networks } = await owned(docker, name);
  await inOrder(containers, options, async container => {
    await stop(docker, container, options);
    await remove(docker, container);
    options.onLine?.(`${container.name} is removed`);
  });
  for (const network of networks) {
    const handle = docker.getNetwork(network.id);
    const left = await benign(`remove the network ${network.name}`, handle.remove(), [403, 404, 409]);
    const inUse = left === 403 || left === 409;
    options.onLine?.(
      inUse
        ? `the network ${network.name} is kept: containers that are not ftc's use it`
        : `the network ${network.name} is removed`,
    );
  }
}

async function inOrder(
  containers: readonly OwnedContainer[],
  { signal }: EndOptions,
  act: (container: OwnedContainer) => Promise<void>,
): Promise<void> {
  const rank = ({ role }: OwnedContainer): number => (order.indexOf(role) + order.length) % order.length;
  for (const [at] of order.entries()) {
    signal?.throwIfAborted();
    await Promise.all(containers.filter(c => rank(c) === at).map(act));
  }
}

async function stop(
  docker: Docker,
  { id, name, state }: OwnedContainer,
  { seconds }: EndOptions,
): Promise<void> {
  if (!['running', 'paused', 'restarting'].includes(state)) return;
  // A frozen process takes no signal.
  await thaw(docker, id);
  const time = seconds === undefined ? {} : { t: seconds };
  await benign(`stop ${name}`, docker.getContainer(id).stop(time), [304, 404]);
}

async function thaw(docker: Docker, id: string): Promise<void> {
  await docker
    .getContainer(id)
    .unpause()
    .catch(() => undefined);
}

async function remove(docker: Docker, { id, name }: OwnedContainer): Promise<void> {
  const container = docker.getContainer(id);
  const status = await benign(`remove ${name}`, container.remove({ force: true, v: true }), [404, 409]);
  // Somebody else is removing it: its name is free when that is done.
  if (status === 409) await container.wait({ condition: 'removed' }).catch(() => undefined);
}

/** The status, if it is one of `expected`; null where all went well. */
async function benign(
  doing: string,
  answer: Promise<unknown>,
  expected: readonly number[],
): Promise<number | null> {
  try {
    await answer;
    return null;
  } catch (error) {
    const status = statusOf(error);
    if (status !== null && expected.includes(status)) return status;
    throw engineError(error, doing);
  }
}

async function asked<Answer>(doing: string, answer: Promise<Answer>): Promise<Answer> {
  try {
    return await answer;
  } catch (error) {
    throw engineError(error, doing);
  }
}
