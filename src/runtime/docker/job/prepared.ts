/** A job that is rendered for an engine, and can be started on it. */
import { z } from 'zod';
import type { LoadedJob } from '../../../job/load.ts';
import type { RunningJob } from '../../job.ts';
import type { Built, LaunchOptions, PreparedJob } from '../../runtime.ts';
import type { Compose, ComposeProject } from '../compose.ts';
import type { Connection } from '../connect.ts';
import { refuseNeighbours } from '../neighbours.ts';
import { type Claim, claimJob } from './claim.ts';
import { DockerJob } from './job.ts';
import { buildImages, launch } from './launch.ts';
import { saveProject } from './saved-project.ts';

export interface Prepared {
  readonly loaded: LoadedJob;
  readonly project: ComposeProject;
  /** The workers' image, by its name. */
  readonly image: string;
}

const Engine = z.object({ ID: z.string().default(''), Architecture: z.string().default('') });

export class DockerPrepared implements PreparedJob {
  readonly #connection: Connection;
  readonly #compose: () => Promise<Compose>;
  readonly #job: Prepared;

  constructor(connection: Connection, compose: () => Promise<Compose>, job: Prepared) {
    this.#connection = connection;
    this.#compose = compose;
    this.#job = job;
  }

  get name(): string {
    return this.#job.project.name;
  }

  async launch({ stages, signal, claim: wanted, build }: LaunchOptions): Promise<RunningJob> {
    const { project } = this.#job;
    const connection = this.#connection;
    const compose = await this.#compose();
    if (build) {
      const claim = wanted === null ? null : await this.#claim(wanted.adopt);
      await launch(connection, compose, project, stages, signal, claim);
    } else {
      saveProject(project);
      await compose.up(project, { signal });
    }
    return new DockerJob(connection, this.#compose, project.name, project);
  }

  /** A name that others have is refused first: whose folder's it is, is not the question then. */
  async #claim(adopt: boolean): Promise<Claim> {
    const { loaded, project } = this.#job;
    await refuseNeighbours(this.#connection.docker, project.name);
    return claimJob(this.#connection, loaded, project, adopt);
  }

  async build({ stages, signal }: Pick<LaunchOptions, 'stages' | 'signal'>): Promise<Built> {
    const { docker } = this.#connection;
    await buildImages(this.#connection, await this.#compose(), this.#job.project, stages, signal);
    const { Id } = await docker.getImage(this.#job.image).inspect();
    const { ID, Architecture } = Engine.parse(await docker.info());
    return { image: Id, machine: `${ID} ${Architecture}` };
  }
}
