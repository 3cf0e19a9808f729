/**
 * What others have on the engine under a job's name. Compose would adopt it, recreate it or fail half-way, so a job is refused before
 * anything is made.
 */
import { composeLabels, ftcLabels } from '../../shared/names.ts';
import type Docker from 'dockerode';
import { FtcError } from '../../errors.ts';
import { isOwn } from './own.ts';

export interface Thing {
  readonly kind: 'container' | 'network' | 'volume';
  readonly name: string;
  readonly labels: Readonly<Record<string, string | undefined>>;
}

/** Names that a job's parts have. */
const parts: Readonly<Record<Thing['kind'], RegExp>> = {
  container: /^-(master|supervisor|worker|s3)-\d+$/,
  network: /^_default$/,
  volume: /^_(checkpoints|cache|s3|master|worker-key|supervisor-key|tmp|shm)$/,
};

/** Those of `things` that stand in the way of the job `name`. Pure. */
export function inTheWay(name: string, things: readonly Thing[]): Thing[] {
  return things.filter(thing => {
    const { kind, labels } = thing;
    if (isOwn(labels, name)) return false;
    if (labels[composeLabels.project] === name) return true;
    const named = thing.name.startsWith(name) && parts[kind].test(thing.name.slice(name.length));
    // A volume that somebody made by hand under exactly this name is meant for the job: a backup that was put back.
    return named && !(kind === 'volume' && isByHand(labels));
  });
}

const isByHand = (labels: Thing['labels']): boolean =>
  labels[composeLabels.project] === undefined && labels[ftcLabels.job] === undefined;

/** @throws FtcError FTC_NOT_OURS */
export async function refuseNeighbours(docker: Docker, name: string): Promise<void> {
  const found = inTheWay(name, await thingsOf(docker, name));
  if (found.length > 0) throw neighbourError(name, found);
}

/** Whatever has the project's label, or a name that begins as its parts' names do. */
export async function thingsOf(docker: Docker, name: string): Promise<Thing[]> {
  const label = { label: [`${composeLabels.project}=${name}`] };
  const [byLabel, byName, networks, volumes] = await Promise.all([
    docker.listContainers({ all: true, filters: label }),
    docker.listContainers({ all: true, filters: { name: [`${name}-`] } }),
    Promise.all([
      docker.listNetworks({ filters: label }),
      docker.listNetworks({ filters: { name: [`${name}_`] } }),
    ]),
    Promise.all([
      docker.listVolumes({ filters: label as never }),
      docker.listVolumes({ filters: { name: [`${name}_`] } }),
    ]),
  ]);
  const all: Thing[] = [
    ...[...byLabel, ...byName].map(({ Names, Labels }) => thing('container', Names[0] ?? '', Labels)),
    ...networks.flat().map(({ Name, Labels }) => thing('network', Name, Labels)),
    ...volumes.flatMap(answer => answer.Volumes.map(({ Name, Labels }) => thing('volume', Name, Labels))),
  ];
  return [...new Map(all.map(one => [`${one.kind} ${one.name}`, one])).values()].filter(
    one => one.labels[composeLabels.project] === name || one.name.startsWith(name),
  );
}

function thing(kind: Thing['kind'], name: string, labels: Thing['labels'] | null | undefined): Thing {
  return { kind, name: name.replace(/^\//, ''), labels: labels ?? {} };
}

const SHOWN = 5;

/** Says what is there, how to look at it, and the ways on. Pure. */
export function neighbourError(name: string, found: readonly Thing[]): FtcError {
  const listed = found
    .slice(0, SHOWN)
    .map(({ kind, name: thing }) => `the ${kind} ${thing}`)
    .concat(found.length > SHOWN ? [`${found.length - SHOWN} more`] : [])
    .join(', ');
  const another = `Or give the job another name: --name ${otherName(name)} (or name: in the job file).`;
  if (found.some(({ labels }) => labels[composeLabels.project] === name)) {
    const filter = `--filter label=${composeLabels.project}=${name}`;
    const kinds = [...new Set(found.map(({ kind }) => kind))];
    const lists = kinds.map(kind => `${listing[kind]} ${filter}`).join('; ');
    return new FtcError(
      'FTC_NOT_OURS',
      `the Compose project "${name}" is somebody else's, not ftc's: ${listed}. Nothing was started or changed`,
      { hint: `This lists it: ${lists}\n${another}` },
    );
  }
  const removals = found.slice(0, SHOWN).map(({ kind, name: thing }) => `${removing[kind]} ${thing}`);
  return new FtcError(
    'FTC_NOT_OURS',
    `the job "${name}" needs a name that is taken by what is not ftc's: ${listed}. Nothing was started or changed`,
    { hint: `If it is not needed: ${removals.join('; ')}\n${another}` },
  );
}

const listing = {
  container: 'docker ps --all',
  network: 'docker network ls',
  volume: 'docker volume ls',
} as const;
const removing = {
  container: 'docker rm',
  network: 'docker network rm',
  volume: 'docker volume rm',
} as const;

const LONGEST = 63;

/** A name that is likely to be free, for a hint. */
export const otherName = (name: string): string => `${name.slice(0, LONGEST - 2)}-2`;
