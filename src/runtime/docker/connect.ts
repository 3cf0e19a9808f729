/** Finds the engine, once, for everything that talks to it. */
import type Docker from 'dockerode';
import { z } from 'zod';
import { FtcError } from '../../errors.ts';
import { client } from './client.ts';
import { DockerEngine } from './dockerode-engine.ts';
import type { Engine } from './engine.ts';
import { isPermission, permissionError, reasonOf } from './engine-error.ts';
import { engineHosts, type Env, type EngineHost } from './host.ts';
import { within } from '../../shared/within.ts';

export interface Connection {
  readonly engine: Engine;
  /** For what `Engine` does not cover: images, disk, memory. */
  readonly docker: Docker;
  readonly host: EngineHost;
  /** `20.10.24`, … */
  readonly version: string;
  /** Path of the engine's socket where the engine runs, for the supervisor to mount. */
  readonly socket: string;
}

const defaultSocket = '/var/run/docker.sock';
const answerMs = 10_000;

const Version = z.object({
  Version: z.string(),
  Platform: z.object({ Name: z.string() }).optional(),
});

/** @throws FtcError FTC_NO_ENGINE, FTC_ENGINE_PERMISSION */
export async function connect(env: Env = process.env): Promise<Connection> {
  const failures: { host: EngineHost; error: unknown }[] = [];
  for (const host of engineHosts(env)) {
    try {
      const docker = client(host);
      const version = Version.parse(await within(answerMs, docker.version()));
      return {
        engine: new DockerEngine(docker),
        docker,
        host,
        version: version.Version,
        socket: env.FTC_DOCKER_SOCKET || socketOf(host, version.Platform?.Name ?? ''),
      };
    } catch (error) {
      if (error instanceof FtcError) throw error;
      failures.push({ host, error });
    }
  }
  const forbidden = failures.find(({ error }) => isPermission(error));
  if (forbidden) throw permissionError(forbidden.host.url, forbidden.error);
  const tried = failures.map(({ host, error }) => `${host.url} (${host.source}): ${explain(error)}`);
  throw new FtcError('FTC_NO_ENGINE', `no container engine answers\n${tried.join('\n')}`, {
    hint: 'Start Docker ("sudo systemctl start docker", or Docker Desktop), or name a running engine in DOCKER_HOST.',
    cause: failures[0]?.error,
  });
}

/** An engine in a virtual machine, or elsewhere, has its socket at the usual place of that machine. */
function socketOf({ url }: EngineHost, platform: string): string {
  const here = process.platform === 'linux' && !platform.includes('Docker Desktop');
  return here && url.startsWith('unix://') ? url.slice('unix://'.length) : defaultSocket;
}

function explain(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return 'there is no such socket';
  if (code === 'ECONNREFUSED') return 'nothing listens there';
  return reasonOf(error);
}
