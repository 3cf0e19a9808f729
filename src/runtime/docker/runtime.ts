/** Docker as a runtime: a job is a Compose project, a replica is a container. */

import { z } from 'zod';
import { render } from '../../../compose/render.ts';
import { FtcError } from '../../errors.ts';
import type { LoadedJob } from '../../job/load.ts';
import type { FaultHands } from '../faults.ts';
import type { RunningJob } from '../job.ts';
import type {
  Leftovers,
  PreparedJob,
  PrepareOptions,
  Runtime,
  RuntimeInfo,
  RuntimeModule,
  Whose,
} from '../runtime.ts';
import { Compose } from './compose.ts';
import { connect, type Connection } from './connect.ts';
import { socketOf, startEngine } from './daemon.ts';
import { examine } from './doctor.ts';
import { dockerFaults } from './faults.ts';
import { engineHosts } from './host.ts';
import { DockerJob } from './job/job.ts';
import { findLeftovers, isTaken, removeRun } from './job/leftovers.ts';
import { jobNames } from './job/names.ts';
import { DockerPrepared } from './job/prepared.ts';
import { preparedProject } from './job/project.ts';

export const docker: RuntimeModule = {
  kind: 'docker',
  open: async () => new DockerRuntime(await connect()),
  render: loaded => render(loaded).yaml,
  examine,
  revival(run, cause) {
    const isAt = (url: string): boolean =>
      url.startsWith('unix://') && socketOf(url) === socketOf(`unix://${run.socket}`);
    if (!engineHosts(process.env).some(({ url }) => isAt(url)))
      throw new FtcError('FTC_CANNOT', `"ftc chaos engine" has ended another engine: ${run.socket}`, {
        hint: `Say that it is meant: DOCKER_HOST=unix://${run.socket} ftc chaos heal`,
        cause,
      });
    if (process.getuid?.() !== 0)
      throw new FtcError(
        'FTC_CANNOT',
        'the engine was ended by "ftc chaos engine", and only root can start it',
        { hint: 'Run "sudo systemctl start docker", or this command as root.', cause },
      );
    return () => startEngine(run, () => connect().then(Boolean, () => false));
  },
};

const Info = z.object({
  ServerVersion: z.string().default('unknown'),
  OperatingSystem: z.string().default('unknown'),
  KernelVersion: z.string().default('unknown'),
  Architecture: z.string().default('unknown'),
  NCPU: z.int().default(0),
  MemTotal: z.number().default(0),
});

export class DockerRuntime implements Runtime {
  readonly kind = 'docker';
  readonly #connection: Connection;
  #compose: Promise<Compose> | null = null;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async ready(): Promise<void> {
    await this.#findCompose();
  }

  async about(): Promise<RuntimeInfo> {
    const { version } = await this.#findCompose();
    const info = Info.parse(await this.#connection.docker.info());
    return {
      version: info.ServerVersion,
      starter: version,
      os: info.OperatingSystem,
      kernel: info.KernelVersion,
      architecture: info.Architecture,
      cpus: info.NCPU,
      memory: info.MemTotal,
    };
  }

  jobs(): Promise<string[]> {
    return jobNames(this.#connection.docker);
  }

  open(name: string): RunningJob {
    return new DockerJob(this.#connection, () => this.#findCompose(), name, null);
  }

  async prepare(loaded: LoadedJob, o: PrepareOptions = {}): Promise<PreparedJob> {
    const { rendered, ...project } = await preparedProject(loaded, this.#connection, o);
    const image = String(rendered.file.services.worker['image']);
    return new DockerPrepared(this.#connection, () => this.#findCompose(), { loaded, project, image });
  }

  isTaken(name: string): Promise<boolean> {
    return isTaken(this.#connection.docker, name);
  }

  findLeftovers(whose: Whose): Promise<Leftovers> {
    return findLeftovers(this.#connection.docker, whose);
  }

  removeRun(whose: Whose, name: string): Promise<void> {
    return removeRun(this.#connection.docker, whose, name);
  }

  faults(say: (line: string) => void): FaultHands {
    return dockerFaults(this.#connection, say);
  }

  /** It is looked for once, and not before it is needed: who only looks at a job needs none. */
  #findCompose(): Promise<Compose> {
    return (this.#compose ??= Compose.find(this.#connection.host));
  }
}
