/** Where the checkpoints of a project are, and as whom its master reads them: for when there is no master. */
import { mounts } from '../../../shared/names.ts';
import { isAbsolute, join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import type { ComposeProject } from '../compose.ts';
import { isPlainName } from '../../../disk/name.ts';
import { FtcError } from '../../../errors.ts';

export interface CheckpointPlace {
  readonly job: string;
  readonly image: string;
  /** `uid:gid`. */
  readonly user: string;
  /** What the master is told of checkpoints, and nothing else. */
  readonly environment: Readonly<Record<string, string>>;
  readonly type: 'volume' | 'bind';
  /** The volume's name, or an absolute path of the host. */
  readonly source: string;
  readonly target: string;
}

const Volume = z.union([
  z.string(),
  z.object({ type: z.enum(['bind', 'volume']), source: z.string(), target: z.string() }),
]);

const Master = z.object({
  image: z.string(),
  user: z.string(),
  environment: z.record(z.string(), z.union([z.string(), z.number(), z.null()])),
  volumes: z.array(Volume),
});

const Project = z.object({
  services: z.object({ master: Master }),
  volumes: z.record(z.string(), z.object({ name: z.string().optional() }).nullable()).optional(),
});

const Inspected = z.object({
  Name: z.string(),
  Config: z.object({ Image: z.string(), User: z.string(), Env: z.array(z.string()) }),
  Mounts: z.array(
    z.object({ Type: z.string(), Name: z.string().optional(), Source: z.string(), Destination: z.string() }),
  ),
});

/** Of the master's environment, what its checkpoints depend on. */
const names = new Set([
  'JOB_ID',
  'CHECKPOINT_DIR',
  'CHECKPOINT_EVERY',
  'FTC_CHECKPOINT_KEEP',
  'FTC_CHECKPOINT_KEEP_EVERY',
  'FTC_CHECKPOINT_KEEP_BEST',
]);

/** @throws FtcError FTC_NOT_RUNNING where the project is not as ftc renders it */
export function placeOf({ name, directory, yaml }: ComposeProject): CheckpointPlace {
  const read = Project.safeParse(parse(yaml ?? ''));
  if (!read.success) throw unknown(name, read.error);
  const { services, volumes } = read.data;
  const { image, user, environment, volumes: mounted } = services.master;
  const told = Object.entries(environment).map(([key, value]) => [key, plain(String(value ?? ''))] as const);
  const known = ofCheckpoints(told);
  const { JOB_ID: job, CHECKPOINT_DIR: target = mounts.checkpoints } = known;
  const mount = mounted.map(split).find(one => one.target === target);
  if (job === undefined || mount === undefined) throw unknown(name, new Error('no mount for checkpoints'));
  if (!isPlainName(job)) throw unknown(name, new Error(`the job's name is ${JSON.stringify(job)}`));
  const source = plain(mount.source);
  const common = { job, image: plain(image), user, environment: known, target };
  if (mount.type === 'volume') {
    return { ...common, type: 'volume', source: volumes?.[source]?.name ?? `${name}_${source}` };
  }
  return { ...common, type: 'bind', source: isAbsolute(source) ? source : join(directory, source) };
}

/**
 * The same from a master that is there, running or not.
 * @param answer what the engine says of its container
 * @throws FtcError FTC_NOT_RUNNING where it has no mount for checkpoints
 */
export function placeOfMaster(answer: unknown): CheckpointPlace {
  const { Name, Config, Mounts } = Inspected.parse(answer);
  const environment = ofCheckpoints(
    Config.Env.map(line => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)] as const),
  );
  const { JOB_ID: job, CHECKPOINT_DIR: target = mounts.checkpoints } = environment;
  const mount = Mounts.find(({ Destination }) => Destination === target);
  if (job === undefined || mount === undefined) {
    throw unknown(Name.replace(/^\//, ''), new Error('no mount for checkpoints'));
  }
  const common = { job, image: Config.Image, user: Config.User, environment, target };
  return mount.Type === 'volume'
    ? { ...common, type: 'volume', source: mount.Name ?? mount.Source }
    : { ...common, type: 'bind', source: mount.Source };
}

function ofCheckpoints(told: readonly (readonly [string, string])[]): Record<string, string> {
  return Object.fromEntries(told.filter(([key, value]) => names.has(key) && value !== ''));
}

function split(volume: z.output<typeof Volume>): Exclude<z.output<typeof Volume>, string> {
  if (typeof volume !== 'string') return volume;
  const [source = '', target = ''] = volume.split(':');
  return { type: /^[./~]/.test(source) ? 'bind' : 'volume', source, target };
}

/** What Compose makes of a text that starts no variable. */
const plain = (text: string): string => text.replaceAll('$$', '$');

function unknown(name: string, cause: Error): FtcError {
  return new FtcError('FTC_NOT_RUNNING', `where "${name}" keeps its checkpoints is not known`, {
    hint: 'Its Compose project is not as "ftc config" renders it. Start its master: "docker compose up -d master".',
    cause,
  });
}
