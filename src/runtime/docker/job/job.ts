/** A job on an engine. */
import { FtcError } from '../../../errors.ts';
import { masterUrlOf, noJob } from '../../absent.ts';
import type { FaultHands } from '../../faults.ts';
import type { Hands } from '../../hands.ts';
import type {
  CheckpointAccess,
  CheckpointOptions,
  LogOptions,
  Owned,
  Restoring,
  RunningJob,
  RunOptions,
  Scaling,
  Transcript,
} from '../../job.ts';
import type { Replica } from '../../replica.ts';
import type { Compose, ComposeProject } from '../compose.ts';
import type { Connection } from '../connect.ts';
import { dockerFaults } from '../faults.ts';
import { handsOf } from '../hands.ts';
import { refuseNeighbours } from '../neighbours.ts';
import { killJob, owned, ownedVolumes, removeJob, stopJob } from '../own.ts';
import { refuseOther } from './as-started.ts';
import { openCheckpoints } from './open-checkpoints.ts';
import { passedThrough } from './passed-through.ts';
import { projectOf, savedOrRendered } from './saved-project.ts';
import { removeVolume } from './storage.ts';
import { tokenOf } from './token.ts';
import { transcriptsOf } from './transcripts.ts';

export class DockerJob implements RunningJob {
  readonly name: string;
  readonly hands: Hands;
  readonly #connection: Connection;
  readonly #findCompose: () => Promise<Compose>;
  /** As it was started by this command; null for a job that was found. */
  readonly #project: ComposeProject | null;

  constructor(
    connection: Connection,
    compose: () => Promise<Compose>,
    name: string,
    project: ComposeProject | null,
  ) {
    this.name = name;
    this.hands = handsOf(connection.engine, name);
    this.#connection = connection;
    this.#findCompose = compose;
    this.#project = project;
  }

  get directory(): string | null {
    return this.#project?.directory ?? null;
  }

  replicas(): Promise<Replica[]> {
    return this.hands.list();
  }

  async masterUrl(replicas?: readonly Replica[]): Promise<string> {
    return masterUrlOf(replicas ?? (await this.replicas()));
  }

  async token(replicas?: readonly Replica[]): Promise<string> {
    return tokenOf(this.#connection, replicas ?? (await this.replicas()));
  }

  async environment(id: string): Promise<Readonly<Record<string, string>>> {
    const { Config } = await this.#connection.docker.getContainer(id).inspect();
    return Object.fromEntries(
      Config.Env.map(line => {
        const at = line.indexOf('=');
        return [line.slice(0, at), line.slice(at + 1)] as const;
      }),
    );
  }

  async logs({ roles = [], ...o }: LogOptions): Promise<void> {
    const compose = await this.#findCompose();
    await compose.logs(this.#bare(), { ...o, services: roles });
  }

  transcripts(): Promise<Transcript[]> {
    return transcriptsOf(this.#connection.docker, this.name);
  }

  async scaling(): Promise<Scaling> {
    const launched = this.#project;
    if (launched !== null) {
      const compose = await this.#findCompose();
      return { to: (workers, o) => compose.up(launched, { workers, recreate: false, ...o }) };
    }
    const worker = (await this.replicas()).find(r => r.role === 'worker');
    if (worker === undefined) throw noJob(this.name, []);
    await refuseNeighbours(this.#connection.docker, this.name);
    const started = await projectOf(this.#connection, worker);
    const passed = passedThrough(started.yaml, await this.environment(worker.id));
    const project = { ...started, variables: { ...started.variables, ...passed } };
    const compose = await this.#findCompose();
    await refuseOther(compose, project, worker, 'worker');
    const only = { recreate: false, services: ['worker'], dependencies: false };
    return { to: (workers, o) => compose.up(project, { workers, ...only, ...o }) };
  }

  async restoring(): Promise<Restoring> {
    const project = this.#project ?? (await this.#asFound());
    const compose = await this.#findCompose();
    const restore = async (present: number, ranks: number | null): Promise<boolean> => {
      const { yaml } = project;
      if (yaml === null) return false;
      await refuseNeighbours(this.#connection.docker, this.name);
      const standbys = Number(/FTC_STANDBYS: "(\d+)"/.exec(yaml)?.[1] ?? 0);
      const wanted = ranks === null ? 0 : ranks + standbys;
      await compose.up(project, { workers: Math.max(present, wanted), recreate: false });
      return true;
    };
    return { restore };
  }

  stop(): Promise<void> {
    return stopJob(this.#connection.docker, this.name);
  }

  kill(): Promise<void> {
    return killJob(this.#connection.docker, this.name);
  }

  async owned(): Promise<Owned> {
    const { docker } = this.#connection;
    const { containers, networks } = await owned(docker, this.name);
    const volumes = await ownedVolumes(docker, this.name);
    const parts = containers.length + networks.length;
    if (parts === 0) await this.#refuseStranger();
    const folders = [...new Set(containers.map(({ folder }) => folder))];
    return { parts, folders, storage: volumes.some(({ role }) => role !== 's3') };
  }

  remove(o?: RunOptions): Promise<void> {
    return removeJob(this.#connection.docker, this.name, o);
  }

  async removeStorage(): Promise<readonly string[]> {
    const { docker } = this.#connection;
    const volumes = await ownedVolumes(docker, this.name);
    // Not the store's: that is what an empty volume is filled from.
    for (const { name, role } of volumes) if (role !== 's3') await removeVolume(docker, name);
    return volumes
      .filter(({ role }) => role === 's3')
      .map(v => `what the local S3 store holds is kept: "docker volume rm ${v.name}" removes it`);
  }

  checkpoints({ fallback, write, files }: CheckpointOptions): Promise<CheckpointAccess> {
    const { name } = this;
    const project = (): ComposeProject => savedOrRendered(name, fallback);
    return openCheckpoints(this.#connection, { name, project, write, files });
  }

  faults(say: (line: string) => void): FaultHands {
    return dockerFaults(this.#connection, say);
  }

  async #asFound(): Promise<ComposeProject> {
    const [replica] = await this.replicas();
    const bare = this.#bare();
    return replica === undefined ? bare : projectOf(this.#connection, replica).catch(() => bare);
  }

  #bare(): ComposeProject {
    return { name: this.name, directory: process.cwd(), yaml: null, variables: {} };
  }

  /** Containers of a job that "docker compose -p" started under another project's name carry their job's. */
  async #refuseStranger(): Promise<void> {
    const [other] = await this.replicas();
    if (other === undefined) return;
    throw new FtcError(
      'FTC_NOT_OURS',
      `the Compose project "${this.name}" runs the job "${other.job}": it was started by "docker compose -p ${this.name}"`,
      { hint: `Remove it the same way: docker compose -p ${this.name} down` },
    );
  }
}
