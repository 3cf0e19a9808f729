/** Where the checkpoints of a project are, and as whom its master reads them: for when there is no master. */
import { isAbsolute, join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import type { ComposeProject } from '../docker/compose.ts';
import { FtcError } from '../errors.ts';

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

/** Of the master's environment, what its checkpoints depend on. */
const names = [
  'JOB_ID',
  'CHECKPOINT_DIR',
  'CHECKPOINT_EVERY',
  'FTC_CHECKPOINT_KEEP',
  'FTC_CHECKPOINT_KEEP_EVERY',
];

/** @throws FtcError FTC_NOT_RUNNING where the project is not as ftc renders it */
export function placeOf({ name, directory, yaml }: ComposeProject): CheckpointPlace {
  const read = Project.safeParse(parse(yaml ?? ''));
  if (!read.success) throw unknown(name, read.error);
  const { services, volumes } = read.data;
  const { image, user, environment, volumes: mounts } = services.master;
  const told = names.flatMap(key => {
    const value = environment[key];
    return value == null ? [] : [[key, plain(String(value))] as const];
  });
  const known = Object.fromEntries(told);
  const { JOB_ID: job, CHECKPOINT_DIR: target = '/checkpoints' } = known;
  const mount = mounts.map(split).find(one => one.target === target);
  if (job === undefined || mount === undefined) throw unknown(name, new Error('no mount for checkpoints'));
  const source = plain(mount.source);
  const common = { job, image: plain(image), user, environment: known, target };
  if (mount.type === 'volume') {
    return { ...common, type: 'volume', source: volumes?.[source]?.name ?? `${name}_${source}` };
  }
  return { ...common, type: 'bind', source: isAbsolute(source) ? source : join(directory, source) };
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
