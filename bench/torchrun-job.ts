/** The same workload under torchrun, in plain containers on a network of their own. */
import { setTimeout as sleep } from 'node:timers/promises';
import type Docker from 'dockerode';
import { CommitLog } from './commit-log.ts';
import { ownPrefix, type Context } from './context.ts';
import { Invalid } from './invalid.ts';
import { removeAll } from './remove.ts';
import { workspace, type Workspace } from './workspace.ts';

export interface TorchrunSpec {
  /** Of bench/jobs; by default the one that trains a workload. */
  readonly script?: string;
  readonly workload: string;
  readonly workers: number;
  /** 0: none. */
  readonly checkpointEvery: number;
  /** Of the containers. */
  readonly image: string;
}

export class TorchrunJob {
  readonly name: string;
  readonly log: CommitLog;
  readonly spec: TorchrunSpec;
  /** By node; node 0 hosts the rendezvous. */
  readonly containers: Docker.Container[] = [];
  readonly #context: Context;
  readonly #workspace: Workspace;

  private constructor(context: Context, label: string, spec: TorchrunSpec) {
    this.name = `${ownPrefix()}${label}`;
    this.spec = spec;
    this.#context = context;
    this.#workspace = workspace();
    this.log = new CommitLog(this.#workspace.commits);
  }

  /** Resolves when the containers are started. */
  static async start(context: Context, label: string, spec: TorchrunSpec): Promise<TorchrunJob> {
    const job = new TorchrunJob(context, label, spec);
    try {
      await job.#up();
    } catch (error) {
      await job.close();
      throw error;
    }
    return job;
  }

  async #up(): Promise<void> {
    const { docker } = this.#context.connection;
    await docker.createNetwork({ Name: `${this.name}_default`, CheckDuplicate: true });
    for (let node = 0; node < this.spec.workers; node += 1)
      this.containers.push(await docker.createContainer(this.#container(node)));
    await Promise.all(this.containers.map(c => c.start()));
  }

  #container(node: number): Docker.ContainerCreateOptions {
    const { script = 'train_ddp.py', workload, workers, checkpointEvery, image } = this.spec;
    const { folder, checkpoints, user } = this.#workspace;
    const network = `${this.name}_default`;
    const host = `node${node}`;
    return {
      name: `${this.name}-${node}`,
      Image: image,
      Hostname: host,
      User: user,
      Entrypoint: ['python3', '/job/torchrun.py'],
      Cmd: [
        ...[`--nnodes=${workers}`, '--nproc-per-node=1', '--max-restarts=1000'],
        ...['--rdzv-backend=c10d', '--rdzv-endpoint=node0:29400', '--rdzv-id=bench'],
        ...[`/job/${script}`, workload, String(checkpointEvery)],
      ],
      Env: ['OMP_NUM_THREADS=1', 'CHECKPOINT_DIR=/checkpoints'],
      HostConfig: {
        Binds: [`${folder}:/job:ro`, `${checkpoints}:/checkpoints`],
        Init: true,
        NetworkMode: network,
        ShmSize: 2 ** 30,
        // An agent that gives up is started again; a container that was killed through the engine is not.
        RestartPolicy: { Name: 'on-failure' },
      },
      NetworkingConfig: { EndpointsConfig: { [network]: { Aliases: [host] } } },
    };
  }

  /** Waits until all train: each has committed `steps` steps of late. */
  async whole(steps: number, patienceMs: number): Promise<void> {
    const { workers } = this.spec;
    const all = (): true | null => {
      const counts = new Map<string, number>();
      for (const c of this.log.between(Date.now() - 2_000))
        if (c.world === workers) counts.set(c.process, (counts.get(c.process) ?? 0) + 1);
      return [...counts.values()].filter(n => n >= steps).length === workers ? true : null;
    };
    const what = `${this.name}: all ${workers} train`;
    try {
      await this.log.until(all, what, patienceMs, this.#context.signal);
    } catch (error) {
      if (error instanceof Invalid) throw new Invalid(`${error.message}\n${await this.output()}`);
      throw error;
    }
  }

  /** SIGKILL through the engine, and started again at once. Milliseconds since the epoch of the request. */
  async killAndStart(node: number): Promise<number> {
    const container = this.containers[node];
    if (!container) throw new Invalid(`there is no node ${node}`);
    const at = Date.now();
    await container.kill();
    for (;;) {
      const { State } = await container.inspect();
      if (!State.Running) break;
      await sleep(5, undefined, { signal: this.#context.signal });
    }
    await container.start();
    return at;
  }

  async output(): Promise<string> {
    const { engine } = this.#context.connection;
    const texts = this.containers.map(async c => `--- ${c.id.slice(0, 12)}\n${await engine.tail(c.id, 15)}`);
    return (await Promise.all(texts)).join('\n');
  }

  async close(): Promise<void> {
    await removeAll(this.#context.connection, this.name);
    this.#workspace.remove();
  }
}
