/** Runs the real command against the real engine, in a folder and a Compose project of its own. */
import { hasEnded } from '../../src/protocol/job-state.ts';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { memberVolumeNames } from '../../compose/members.ts';
import { connect, type Connection } from '../../src/runtime/docker/connect.ts';
import { DockerRuntime } from '../../src/runtime/docker/runtime.ts';
import type { Container } from '../../src/runtime/docker/engine.ts';
import { follow } from '../../src/client/follow.ts';
import type { JobEvent } from '../../src/api/event.ts';
import type { Status } from '../../src/api/status.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const CLI = join(ROOT, 'dist/cli.js');
export const TINY = join(import.meta.dirname, 'jobs/tiny.py');
/** Nothing here takes so long on two cores; what does hangs. */
const DEADLINE_MS = 180_000;
/** Whatever a job may have made. */
const volumes = ['checkpoints', ...memberVolumeNames, 'cache', 'tmp', 'shm'];

export interface Ended {
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  kill(signal: NodeJS.Signals): boolean;
  readonly ended: Promise<Ended>;
}

/** Where commands run that are to reach another engine than the machine's. */
export interface Place {
  readonly env: Readonly<Record<string, string>>;
  command(argv: readonly string[], cwd: string): [file: string, args: string[]];
}

/** One job of a test. `close` removes everything, whatever became of it. */
export class TestJob {
  readonly name: string;
  readonly folder: string;
  readonly connection: Connection;
  readonly #place: Place | null;
  #running: Running[] = [];

  private constructor(name: string, connection: Connection, place: Place | null) {
    this.name = name;
    this.connection = connection;
    this.#place = place;
    this.folder = mkdtempSync(join(tmpdir(), 'ftctest-'));
    chmodSync(this.folder, 0o755); // workers read the script as another user
  }

  static async create(
    label: string,
    jobFile: string | null = null,
    place: Place | null = null,
  ): Promise<TestJob> {
    const name = `ftctest-${label}-${Math.random().toString(36).slice(2, 7)}`;
    const job = new TestJob(name, await connect({ ...process.env, ...place?.env }), place);
    if (jobFile !== null) job.write('ftc.yaml', jobFile);
    return job;
  }

  /** Looks at another project, such as one that a command of this job makes; who made it removes it. */
  other(name: string): TestJob {
    const other = new TestJob(name, this.connection, this.#place);
    rmSync(other.folder, { recursive: true });
    return other;
  }

  write(file: string, text: string): void {
    writeFileSync(join(this.folder, file), text);
  }

  /** `ftc …` for this job, to its end. The exit code is for the test to judge. */
  async ftc(...args: string[]): Promise<Ended> {
    return this.spawn(...args).ended;
  }

  /** `ftc …` in the background. */
  spawn(...args: string[]): Running {
    const env = { ...this.#place?.env, JOB_ID: this.name, FTC_PORT: '0', NO_COLOR: '1' };
    const argv = [process.execPath, CLI, ...args] as const;
    const [file, rest] = this.#place?.command(argv, this.folder) ?? [argv[0], argv.slice(1)];
    const child = execa(file, rest, {
      cwd: this.folder,
      env,
      reject: false,
      stdin: 'ignore',
    });
    const ended = child.then(({ exitCode, stdout, stderr }) => ({ code: exitCode, stdout, stderr }));
    const running = { kill: (signal: NodeJS.Signals) => child.kill(signal), ended };
    this.#running.push(running);
    return running;
  }

  async containers(): Promise<Container[]> {
    return this.connection.engine.list(this.name);
  }

  async workers(): Promise<Container[]> {
    return (await this.containers()).filter(c => c.role === 'worker');
  }

  async one(role: 'master' | 'supervisor'): Promise<Container> {
    const found = (await this.containers()).find(c => c.role === role);
    if (!found) throw new Error(`there is no ${role}`);
    return found;
  }

  /** The container that holds a rank now. */
  async rank(n: number): Promise<Container> {
    const status = await this.until(s => s.workers.some(w => w.rank === n), `somebody holds rank ${n}`);
    const id = status.workers.find(w => w.rank === n)?.id;
    const found = (await this.workers()).find(c => c.hostname === id);
    if (!found) throw new Error(`rank ${n} has no container`);
    return found;
  }

  /** Follows the job until its status is as described. Waits for what happens, and gives up only when nothing does. */
  async until(test: (s: Status) => boolean, what: string): Promise<Status> {
    const signal = AbortSignal.timeout(DEADLINE_MS);
    let last: Status | null = null;
    for (;;) {
      // The project may not be there yet, or its containers may be on their way up again.
      if (signal.aborted)
        throw new Error(`${what}: not within ${DEADLINE_MS / 1000} s; last ${JSON.stringify(last)}`);
      try {
        for await (const { status } of this.#moments(signal)) {
          last = status ?? last;
          if (status && test(status)) return status;
          const ended = status && hasEnded(status.state);
          if (ended) throw new TooLate(`${what}: the job ended before: ${JSON.stringify(status)}`);
        }
      } catch (error) {
        if (error instanceof TooLate) throw error;
        await new Promise(r => setTimeout(r, 100));
      }
    }
  }

  /** Its port is reached only from where the engine is: elsewhere it takes a command. */
  async *#moments(signal: AbortSignal): AsyncGenerator<{ status: Status | null }> {
    if (this.#place === null) {
      const job = new DockerRuntime(this.connection).open(this.name);
      yield* follow(job, { everyMs: 50, patienceMs: DEADLINE_MS, signal });
      return;
    }
    while (!signal.aborted) {
      const { code, stdout } = await this.ftc('status', '--json');
      yield { status: code === 0 ? (JSON.parse(stdout) as Status) : null };
    }
  }

  /** As {@link until}, but over as soon as the command is: then what it printed says why. */
  async during(running: Running, test: (s: Status) => boolean, what: string): Promise<Status> {
    const over = running.ended.then(({ code, stderr }) => {
      throw new Error(`${what}: the command ended with ${code} before\n${stderr}`);
    });
    return Promise.race([this.until(test, what), over]);
  }

  /** Until a step after `step` is committed by `size` workers that are all there. */
  trains(step: number, size: number, running?: Running): Promise<Status> {
    const all = (s: Status): boolean =>
      s.worldSize === size && s.workers.filter(w => w.state === 'training').length === size;
    const test = (s: Status): boolean => s.state === 'running' && (s.step ?? 0) > step && all(s);
    const what = `${size} train past step ${step}`;
    return running ? this.during(running, test, what) : this.until(test, what);
  }

  async events(): Promise<JobEvent[]> {
    const port = (await this.one('master')).ports['8080/tcp'];
    const response = await fetch(`http://127.0.0.1:${port}/events?after=0`);
    return (await response.json()) as JobEvent[];
  }

  async close(): Promise<void> {
    for (const child of this.#running) child.kill('SIGKILL');
    const at = this.#place?.env;
    await dockerAt(at, 'rm', '--force', '--volumes', ...(await this.containers()).map(c => c.id));
    await dockerAt(at, 'volume', 'rm', '--force', ...volumes.map(name => `${this.name}_${name}`));
    await dockerAt(at, 'network', 'rm', `${this.name}_default`);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

class TooLate extends Error {}

/** Plain `docker`, as a person would break things. */
export const docker = (...args: string[]): Promise<Ended> => dockerAt(undefined, ...args);

/** The same at another engine. */
export async function dockerAt(env: Place['env'] | undefined, ...args: string[]): Promise<Ended> {
  const { exitCode, stdout, stderr } = await execa('docker', args, {
    reject: false,
    stdin: 'ignore',
    ...(env && { env }),
  });
  return { code: exitCode, stdout, stderr };
}

/** What must not change in a container that nothing happened to. */
export async function identity(container: Container): Promise<string> {
  const { stdout } = await docker('top', container.id, '-o', 'pid,lstart,args');
  return `${container.startedAt} ${container.pid}\n${stdout}`;
}
