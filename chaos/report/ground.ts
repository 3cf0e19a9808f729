/** On what runs were made: versions, and the engine's machine. */
import { z } from 'zod';
import type { Compose } from '../../src/runtime/docker/compose.ts';
import type { Connection } from '../../src/runtime/docker/connect.ts';
import { ownPackage } from '../../src/package.ts';
import type { Ground } from './schema.ts';

const Info = z.object({
  ServerVersion: z.string().default('unknown'),
  OperatingSystem: z.string().default('unknown'),
  KernelVersion: z.string().default('unknown'),
  Architecture: z.string().default('unknown'),
  NCPU: z.int().default(0),
  MemTotal: z.number().default(0),
});

export async function groundOf({ docker }: Connection, compose: Compose): Promise<Ground> {
  const info = Info.parse(await docker.info());
  return {
    ftc: ownPackage().version,
    node: process.versions.node,
    engine: info.ServerVersion,
    compose: compose.version,
    os: info.OperatingSystem,
    kernel: info.KernelVersion,
    architecture: info.Architecture,
    cpus: info.NCPU,
    memory: info.MemTotal,
  };
}
