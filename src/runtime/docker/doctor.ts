/** What the doctor asks of an engine. */
import { statfs } from 'node:fs/promises';
import { createServer } from 'node:net';
import { z } from 'zod';
import { render } from '../../../compose/render.ts';
import { baseImage, hasImage, usualBaseImage } from './base-image.ts';
import { Compose } from './compose.ts';
import { connect, type Connection } from './connect.ts';
import { FtcError } from '../../errors.ts';
import type { LoadedJob } from '../../job/load.ts';
import { type Check, failed, ok, warn } from '../check.ts';

const gigabyte = 1024 ** 3;
/** The images with torch, and what building them leaves. */
const imagesNeed = 4 * gigabyte;
/** A worker's process with torch loaded and a small model. */
const workerNeeds = 0.4 * gigabyte;

const Info = z.object({ DockerRootDir: z.string(), MemTotal: z.number(), NCPU: z.number() });

const inGigabytes = (bytes: number) => `${(bytes / gigabyte).toFixed(1)} GB`;

/** @param loaded null where the job cannot be read */
export async function examine(loaded: LoadedJob | null): Promise<Check[]> {
  let connection: Connection;
  try {
    connection = await connect();
  } catch (error) {
    return [failed('engine', error)];
  }
  const { version, host } = connection;
  const checks = [ok('engine', `${version} at ${host.url}, ${host.source}`)];
  try {
    checks.push(ok('compose', (await Compose.find(host)).version));
  } catch (error) {
    checks.push(failed('compose', error));
  }
  return loaded === null ? checks : [...checks, ...(await engineChecks(connection, loaded))];
}

async function engineChecks(connection: Connection, loaded: LoadedJob): Promise<Check[]> {
  const info = Info.parse(await connection.docker.info());
  const built = await images(connection, loaded);
  return [
    built,
    await base(connection, loaded, built.state === 'ok'),
    ...(await disk(info.DockerRootDir, built.state === 'ok')),
    memory(info, loaded),
    await port(connection, loaded),
  ];
}

async function images({ docker }: Connection, loaded: LoadedJob): Promise<Check> {
  const { master, worker } = render(loaded).file.services;
  const names = [String(master.image), String(worker.image)];
  const there = await Promise.all(names.map(name => hasImage(docker, name)));
  const missing = names.filter((_, index) => !there[index]);
  return missing.length === 0
    ? ok('images', names.join(', '))
    : warn(
        'images',
        `${missing.join(' and ')} not built yet`,
        '"ftc up" builds what is missing; it takes a few minutes once.',
      );
}

async function base({ docker }: Connection, { job, projectDir }: LoadedJob, built: boolean): Promise<Check> {
  const name = job.base ?? (await baseImage(docker, projectDir)) ?? usualBaseImage;
  if (await hasImage(docker, name)) return ok('base image', name);
  if (built) return ok('base image', `${name} is not here, and not needed while the images are`);
  return warn(
    'base image',
    `${name} is not here and will be pulled`,
    'Without a registry in reach, name a Debian 13 image that the engine has in FTC_BASE_IMAGE.',
  );
}

/** Nothing where the engine's disk cannot be seen from here. */
async function disk(folder: string, built: boolean): Promise<Check[]> {
  try {
    const { bavail, bsize } = await statfs(folder);
    const free = bavail * bsize;
    const need = built ? gigabyte : imagesNeed;
    const detail = `${inGigabytes(free)} free in ${folder}`;
    return [
      free < need
        ? warn(
            'disk',
            `${detail}, ${inGigabytes(need)} wanted`,
            'Make room: "docker system df" shows what takes it.',
          )
        : ok('disk', detail),
    ];
  } catch {
    return [];
  }
}

function memory({ MemTotal, NCPU }: z.output<typeof Info>, { job }: LoadedJob): Check {
  const count = job.workers + job.standbys;
  const need = count * workerNeeds;
  const detail = `${inGigabytes(MemTotal)} and ${NCPU} CPUs for ${count} workers`;
  return need > MemTotal
    ? warn(
        'memory',
        `${detail}; they need about ${inGigabytes(need)}`,
        'Take fewer workers: the result is the same.',
      )
    : ok('memory', detail);
}

async function port({ engine }: Connection, { job }: LoadedJob): Promise<Check> {
  if (job.port === 0) return ok('port', 'any free one');
  const master = (await engine.list(job.name)).find(({ role }) => role === 'master');
  if (Object.values(master?.ports ?? {}).includes(job.port))
    return ok('port', `${job.port} is this job's own`);
  if (await isFree(job.port)) return ok('port', `${job.port} is free`);
  const hint = 'Take another with --port 7071 (or port: in the job file), or --port 0 for any free one.';
  return failed(
    'port',
    new FtcError('FTC_PORT_IN_USE', `port ${job.port} is in use on this machine`, { hint }),
  );
}

function isFree(number: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer();
    // A port that only root may take is the engine's matter, which is root.
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'EADDRINUSE'));
    server.listen(number, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
