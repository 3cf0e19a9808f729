/** A job under ftc, started as a person would: `ftc up --detach` on a job file. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { stringify } from 'yaml';
import { MasterClient } from '../src/client/master-client.ts';
import { masterUrlOf } from '../src/runtime/absent.ts';
import { FtcError } from '../src/errors.ts';
import type { Container } from '../src/runtime/docker/engine.ts';
import type { Status } from '../src/api/status.ts';
import { ownPackage } from '../src/package.ts';
import { settled } from './analysis.ts';
import { CommitLog } from './commit-log.ts';
import { ownPrefix, type Context } from './context.ts';
import { Invalid } from './invalid.ts';
import { removeAll } from './remove.ts';
import { workspace, type Workspace } from './workspace.ts';

/** Longer than any recovery on a machine that is fit to be measured on. */
export const patienceMs = 60_000;
/** No benchmark comes to the end of its job. */
const endless = 100_000_000;

export interface FtcSpec {
  /** Of bench/jobs; by default the one that trains a workload. */
  readonly script?: string;
  readonly args: readonly string[];
  readonly workers: number;
  readonly standbys: number;
  readonly heartbeat: string;
  readonly checkpointEvery: number;
}

export class FtcJob {
  readonly name: string;
  readonly log: CommitLog;
  readonly spec: FtcSpec;
  /** Id of the workers' image. */
  image = '';
  readonly #context: Context;
  readonly #workspace: Workspace;

  private constructor(context: Context, label: string, spec: FtcSpec) {
    this.name = `${ownPrefix()}${label}`;
    this.spec = spec;
    this.#context = context;
    this.#workspace = workspace();
    this.log = new CommitLog(this.#workspace.commits);
  }

  /** Resolves when the first step has committed. */
  static async start(context: Context, label: string, spec: FtcSpec): Promise<FtcJob> {
    const job = new FtcJob(context, label, spec);
    try {
      await job.#up();
    } catch (error) {
      await job.close();
      throw error;
    }
    return job;
  }

  async #up(): Promise<void> {
    const { script = 'train_ftc.py', args, workers, standbys, heartbeat, checkpointEvery } = this.spec;
    const file = {
      name: this.name,
      script,
      args,
      workers,
      standbys,
      virtualRanks: workers,
      steps: endless,
      checkpoint: { every: checkpointEvery, keep: 2, dir: 'checkpoints' },
      // A worker that is killed again and again is not to wait longer each time.
      recovery: { heartbeat, backoff: { reset: '1s' } },
    };
    const { folder } = this.#workspace;
    writeFileSync(join(folder, 'ftc.yaml'), stringify(file));
    const { signal } = this.#context;
    const cli = join(ownPackage().root, 'dist/cli.js');
    const { failed, stderr } = await execa(process.execPath, [cli, 'up', '--detach', '--json'], {
      cwd: folder,
      env: { FTC_PORT: '0', NO_COLOR: '1', JOB_ID: this.name },
      reject: false,
      stdin: 'ignore',
      cancelSignal: signal,
    });
    signal.throwIfAborted();
    if (failed) throw new Invalid(`ftc up failed\n${stderr}\n${await this.output()}`);
    this.image = (await this.workers())[0]?.image ?? '';
  }

  /** What the script leaves in `commits/<name>`, as JSON, once it is there. @throws Invalid where the job fails, or loses a worker, before */
  async undisturbed(name: string): Promise<unknown> {
    const path = join(this.#workspace.commits, name);
    while (!existsSync(path)) {
      const status = await this.status();
      if (status?.state === 'failed' || (status?.recoveries.length ?? 0) > 0)
        throw new Invalid(`${this.name} did not train undisturbed\n${await this.output()}`);
      await sleep(500, undefined, { signal: this.#context.signal });
    }
    return JSON.parse(readFileSync(path, 'utf8'));
  }

  containers(): Promise<Container[]> {
    return this.#context.connection.engine.list(this.name);
  }

  async workers(): Promise<Container[]> {
    return (await this.containers()).filter(c => c.role === 'worker');
  }

  /** Null while the master does not answer. */
  async status(): Promise<Status | null> {
    try {
      return await new MasterClient(masterUrlOf(await this.containers())).status();
    } catch (error) {
      if (error instanceof FtcError) return null;
      throw error;
    }
  }

  /** Waits until all ranks train, and the standbys stand by. The generation. */
  async whole(): Promise<number> {
    const { signal } = this.#context;
    const { workers, standbys } = this.spec;
    const ready = (): number | null =>
      settled(this.log.latest(), this.log.between(Date.now() - 2_000), workers, 5);
    const generation = await this.log.until(ready, `${this.name}: all ${workers} train`, patienceMs, signal);
    const deadline = performance.now() + patienceMs;
    while (standbys > 0) {
      const rows = (await this.status())?.workers ?? [];
      if (rows.filter(w => w.rank === null && w.state === 'ready').length >= standbys) break;
      if (performance.now() > deadline) throw new Invalid(`${this.name}: no standby within ${patienceMs} ms`);
      await sleep(100, undefined, { signal });
    }
    return generation;
  }

  /** The containers that hold ranks, by rank, as the workers' own log tells. */
  async byRank(): Promise<Container[]> {
    const containers = await this.workers();
    this.log.poll();
    const latest = this.log.latest();
    const generation = Math.max(...latest.map(c => c.generation));
    const members = latest.filter(c => c.generation === generation).sort((a, b) => a.rank - b.rank);
    return members.map(member => {
      const container = containers.find(c => c.hostname === member.worker);
      if (!container) throw new Invalid(`${this.name}: rank ${member.rank} has no container`);
      return container;
    });
  }

  /** What the containers printed last, to say why a run is not valid. */
  async output(): Promise<string> {
    const { engine } = this.#context.connection;
    const texts = (await this.containers()).map(async c => `--- ${c.name}\n${await engine.tail(c.id, 15)}`);
    return (await Promise.all(texts)).join('\n');
  }

  async close(): Promise<void> {
    await removeAll(this.#context.connection, this.name);
    this.#workspace.remove();
  }
}
