/** Everything that runs of one purpose have made and that is still there, by label; and its removal. */
import { composeLabels, ftcLabels } from '../../../shared/names.ts';
import { hostname } from 'node:os';
import type Docker from 'dockerode';
import { forgetProject } from './saved-project.ts';
import { thingsOf } from '../neighbours.ts';
import { FtcError } from '../../../errors.ts';
import { fromText, isAlive, type ProcessId, toText } from '../../../shared/process-id.ts';
import type { Leftovers, Whose } from '../../runtime.ts';

type Labels = Readonly<Record<string, string | undefined>>;

interface Thing {
  readonly kind: 'container' | 'network' | 'volume';
  /** Volumes have a name only. */
  readonly id: string;
  readonly labels: Labels;
  readonly running: boolean;
}

/** What there is of those runs; of one project where it is named. */
async function find(docker: Docker, { purpose, job }: Whose, project?: string): Promise<Thing[]> {
  const own = job === null ? purpose.label : `${purpose.label}=${job}`;
  const label = [own, ...(project === undefined ? [] : [`${composeLabels.project}=${project}`])];
  const [containers, networks, { Volumes: volumes }] = await Promise.all([
    docker.listContainers({ all: true, filters: { label } }),
    docker.listNetworks({ filters: { label } }),
    docker.listVolumes({ filters: { label } as never }),
  ]);
  return [
    ...containers.map(c => ({
      kind: 'container' as const,
      id: c.Id,
      labels: c.Labels,
      running: c.State === 'running' || c.State === 'paused',
    })),
    ...networks.map(n => ({ kind: 'network' as const, id: n.Id, labels: n.Labels ?? {}, running: false })),
    ...volumes.map(v => ({ kind: 'volume' as const, id: v.Name, labels: v.Labels, running: false })),
  ];
}

export async function findLeftovers(docker: Docker, whose: Whose): Promise<Leftovers> {
  const things = await find(docker, whose);
  const alive = things.filter(isAnsweredFor);
  const busy = new Set(alive.map(t => t.labels[composeLabels.project]));
  return {
    projects: unique(things.map(t => t.labels[composeLabels.project])).filter(project => !busy.has(project)),
    alive: unique(alive.map(({ labels }) => toText({ ...ownerOf(labels), began: null }))),
  };
}

/** Of another machine's processes nothing is known; what runs is taken to be wanted. */
function isAnsweredFor({ labels, running }: Thing): boolean {
  const owner = ownerOf(labels);
  // This process has made nothing yet when it asks: its number was another's before.
  if (owner.host === hostname() && owner.pid === process.pid) return false;
  return isAlive(owner) ?? running;
}

const ownerOf = (labels: Labels): ProcessId => fromText(labels[ftcLabels.owner] ?? '');

/**
 * Removes containers, network and volumes of one project, if such a run made them, and helpers that faults have left beside them;
 * nothing else, ever.
 */
export async function removeRun(docker: Docker, whose: Whose, project: string): Promise<void> {
  const things = await find(docker, whose, project);
  if (things.length === 0) return;
  const helpers = await docker.listContainers({
    all: true,
    filters: { label: [`${ftcLabels.chaos}=${project}`] },
  });
  await Promise.all(helpers.map(h => removeContainer(docker, h.Id)));
  const containers = things.filter(t => t.kind === 'container');
  // The supervisor first: it would start again what is being removed.
  const [first, rest] = partition(containers, t => t.labels[ftcLabels.role] === 'supervisor');
  for (const group of [first, rest]) await Promise.all(group.map(t => removeContainer(docker, t.id)));
  for (const { id } of things.filter(t => t.kind === 'network')) await gone(docker.getNetwork(id).remove());
  for (const { id } of things.filter(t => t.kind === 'volume')) await gone(docker.getVolume(id).remove());
  const folder = containers[0]?.labels[composeLabels.folder];
  if (folder === undefined) return;
  try {
    forgetProject(folder, project);
  } catch (error) {
    // What is somebody else's by now is theirs to remove.
    if (!(error instanceof FtcError)) throw error;
  }
}

async function removeContainer(docker: Docker, id: string): Promise<void> {
  const container = docker.getContainer(id);
  // A frozen one does not die everywhere.
  await container.unpause().catch(() => undefined);
  await gone(container.remove({ force: true, v: true }));
}

/** Whether anything has this project's name, whoever made it. */
export async function isTaken(docker: Docker, project: string): Promise<boolean> {
  const things = await thingsOf(docker, project);
  return things.some(
    ({ name, labels }) =>
      labels[composeLabels.project] === project || /^[-_]/.test(name.slice(project.length)),
  );
}

/** 404: gone already. 409: somebody else is removing it. */
async function gone(removal: Promise<unknown>): Promise<void> {
  try {
    await removal;
  } catch (error) {
    const { statusCode } = error as { statusCode?: number };
    if (statusCode !== 404 && statusCode !== 409) throw error;
  }
}

const unique = (values: readonly (string | undefined)[]): string[] =>
  [...new Set(values.filter(v => v !== undefined))].sort();

function partition<T>(items: readonly T[], test: (item: T) => boolean): [T[], T[]] {
  return [items.filter(test), items.filter(item => !test(item))];
}
