/** What faults do with a container, on a real engine: see `FaultHands`. */
import { composeLabels, ftcLabels } from '../../shared/names.ts';
import { PassThrough } from 'node:stream';
import type Docker from 'dockerode';
import { z } from 'zod';
import { engineError, statusOf } from './engine-error.ts';
import { unframe } from './frames.ts';
import { demux, helperProcess } from './helper-process.ts';
import {
  type ExecOptions,
  type ExecResult,
  type Helper,
  type HelperProcess,
  type HelperSpec,
  type Limits,
  type Mounted,
} from '../faults.ts';
import { told, update } from './limits.ts';
import { lines } from './lines.ts';
import { toMount } from './mount.ts';
import { within } from '../../shared/within.ts';

const answerMs = 30_000;
/** A helper that was asked to end puts right what it did; it gets that long. Seconds. */
const dismissSeconds = 10;

const Inspection = z.object({
  Config: z.object({ User: z.string() }),
  HostConfig: z.object({
    Memory: z.number(),
    MemorySwap: z.number(),
    NanoCpus: z.number(),
    CpuQuota: z.number(),
    CpuPeriod: z.number(),
  }),
  Mounts: z.array(
    z.object({
      Type: z.string(),
      Destination: z.string(),
      Name: z.string().optional(),
      Source: z.string(),
    }),
  ),
});
const Volumes = z.object({
  Volumes: z.array(z.object({ Name: z.string(), Labels: z.record(z.string(), z.string()) })),
});
const Memory = z.object({
  memory_stats: z.object({ stats: z.record(z.string(), z.number()).optional() }),
});
const Exit = z.object({ StatusCode: z.number() });
const Info = z.object({
  CgroupVersion: z.string().default('1'),
  KernelVersion: z.string(),
  OperatingSystem: z.string().default(''),
});

export interface Platform {
  /** `Docker Desktop`, …; empty where the engine does not say. */
  readonly name: string;
  /** 1 or 2. */
  readonly cgroups: number;
  readonly kernel: string;
}

export class DockerLab {
  readonly #docker: Docker;

  constructor(docker: Docker) {
    this.#docker = docker;
  }

  async platform(): Promise<Platform> {
    const info = Info.parse(await ask(this.#docker.info(), 'describe itself'));
    return { name: info.OperatingSystem, cgroups: Number(info.CgroupVersion), kernel: info.KernelVersion };
  }

  async exec(id: string, command: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
    const doing = `run a command in ${short(id)}`;
    const attached = options.detach !== true;
    const exec = await ask(
      this.#docker.getContainer(id).exec({
        Cmd: [...command],
        AttachStdout: attached,
        AttachStderr: attached,
        ...(options.user !== undefined && options.user !== '' && { User: options.user }),
        ...(options.env && { Env: variables(options.env) }),
      }),
      doing,
    );
    if (!attached) {
      await ask(exec.start({ Detach: true }), doing);
      return { exitCode: 0, output: '' };
    }
    const parts: Buffer[] = [];
    const stream = await ask(exec.start({}), doing);
    const read = async (): Promise<void> => {
      for await (const part of stream) parts.push(part as Buffer);
    };
    await ask(read(), doing);
    const { ExitCode } = await ask(exec.inspect(), doing);
    return { exitCode: ExitCode ?? 0, output: unframe(Buffer.concat(parts)) };
  }

  async *listen(
    id: string,
    command: readonly string[],
    signal: AbortSignal,
    { env }: Pick<ExecOptions, 'env'> = {},
  ): AsyncGenerator<string> {
    const doing = `listen in ${short(id)}`;
    const container = this.#docker.getContainer(id);
    const body = { Cmd: [...command], AttachStdout: true, ...(env && { Env: variables(env) }) };
    const exec = await ask(container.exec(body), doing);
    const isOver = (): boolean => signal.aborted;
    if (isOver()) return;
    const stream = await ask(exec.start({}), doing);
    const abort = (): void => void stream.destroy();
    signal.addEventListener('abort', abort);
    try {
      if (isOver()) return;
      const out = new PassThrough();
      demux(container, stream, out, new PassThrough());
      yield* lines(out);
    } finally {
      signal.removeEventListener('abort', abort);
      abort();
    }
  }

  async limits(id: string): Promise<Limits> {
    return told((await this.#inspect(id)).HostConfig);
  }

  async limit(id: string, limits: Partial<Limits>): Promise<void> {
    const { cgroups } = limits.memory === undefined ? { cgroups: 1 } : await this.platform();
    const body = update(limits, cgroups);
    await ask(this.#docker.getContainer(id).update(body), `limit ${short(id)}`);
  }

  async memory(id: string): Promise<number> {
    const answer = await ask(this.#docker.getContainer(id).stats({ stream: false }), `measure ${short(id)}`);
    const stats = Memory.parse(answer).memory_stats.stats ?? {};
    return (stats['total_rss'] ?? stats['anon'] ?? 0) + (stats['total_shmem'] ?? stats['shmem'] ?? 0);
  }

  async restart(id: string, graceSeconds: number): Promise<void> {
    const answer = this.#docker.getContainer(id).restart({ t: graceSeconds });
    await ask(answer, `restart ${short(id)}`, [], answerMs + graceSeconds * 1000);
  }

  async mount(id: string, path: string): Promise<Mounted | null> {
    const { Mounts } = await this.#inspect(id);
    const found = Mounts.find(m => m.Destination === path);
    if (!found) return null;
    return found.Type === 'volume'
      ? { type: 'volume', source: found.Name ?? found.Source }
      : { type: 'bind', source: found.Source };
  }

  async volume(project: string, key: string): Promise<{ name: string; job: string } | null> {
    const label = [ftcLabels.job, `${composeLabels.project}=${project}`, `${composeLabels.volume}=${key}`];
    const answer = await ask(this.#docker.listVolumes({ filters: { label } as never }), 'list volumes');
    const [found] = Volumes.parse(answer).Volumes;
    return found ? { name: found.Name, job: found.Labels[ftcLabels.job] ?? '' } : null;
  }

  async user(id: string): Promise<string> {
    return (await this.#inspect(id)).Config.User;
  }

  /** Starts a helper container. */
  async spawn(image: string, spec: HelperSpec): Promise<HelperProcess> {
    const doing = 'start a helper container';
    const container = await ask(
      this.#docker.createContainer({
        Image: image,
        Cmd: [...spec.command],
        Labels: {
          [ftcLabels.job]: spec.project,
          [ftcLabels.chaos]: spec.project,
          [ftcLabels.fault]: spec.fault,
          [ftcLabels.record]: spec.record,
        },
        ...(spec.user !== undefined && { User: spec.user }),
        OpenStdin: true,
        StdinOnce: true,
        AttachStdin: true,
        HostConfig: {
          AutoRemove: true,
          Init: true,
          NetworkMode: spec.network === null ? 'none' : `container:${spec.network}`,
          ...(spec.processes !== undefined && { PidMode: `container:${spec.processes}` }),
          ReadonlyRootfs: true,
          Tmpfs: { '/run': 'size=1m' },
          CapDrop: ['ALL'],
          CapAdd: [...spec.capabilities],
          SecurityOpt: ['no-new-privileges:true'],
          Mounts: spec.mounts.map(toMount),
        },
      }),
      doing,
    );
    try {
      const options = { stream: true, hijack: true, stdin: true, stdout: true, stderr: true };
      const stream = await ask(container.attach(options), doing);
      const process = helperProcess(container, stream);
      await ask(container.start(), doing);
      return process;
    } catch (error) {
      await container.remove({ force: true }).catch(() => undefined);
      throw error;
    }
  }

  async helpers(project: string): Promise<Helper[]> {
    const filters = { label: [`${ftcLabels.chaos}=${project}`, `${ftcLabels.job}=${project}`] };
    const found = await ask(this.#docker.listContainers({ all: true, filters }), 'list helpers');
    return found.map(({ Id, Labels }) => ({
      id: Id,
      fault: Labels[ftcLabels.fault] ?? '',
      record: Labels[ftcLabels.record] ?? '',
    }));
  }

  async dismiss(id: string): Promise<boolean> {
    const container = this.#docker.getContainer(id);
    const doing = `stop helper ${short(id)}`;
    const ms = answerMs + dismissSeconds * 1000;
    const ended = ask(container.wait({ condition: 'removed' }), doing, [304, 404], ms).then(
      answer => Exit.safeParse(answer).data?.StatusCode === 0,
      () => false,
    );
    await ask(container.stop({ t: dismissSeconds }), doing, [304, 404], ms);
    // It removes itself; one that never started does not.
    await ask(container.remove({ force: true, v: true }), doing, [404, 409]);
    return ended;
  }

  async #inspect(id: string): Promise<z.output<typeof Inspection>> {
    return Inspection.parse(await ask(this.#docker.getContainer(id).inspect(), `inspect ${short(id)}`));
  }
}

const variables = (env: Readonly<Record<string, string>>): string[] =>
  Object.entries(env).map(([name, value]) => `${name}=${value}`);

async function ask<Answer>(answer: Promise<Answer>, doing: string): Promise<Answer>;
async function ask<Answer>(
  answer: Promise<Answer>,
  doing: string,
  benign: readonly number[],
  ms?: number,
): Promise<Answer | null>;
async function ask<Answer>(
  answer: Promise<Answer>,
  doing: string,
  benign: readonly number[] = [],
  ms = answerMs,
): Promise<Answer | null> {
  try {
    return await within(ms, answer);
  } catch (error) {
    if (benign.includes(statusOf(error) ?? 0)) return null;
    throw engineError(error, doing);
  }
}

function short(id: string): string {
  return `container ${id.slice(0, 12)}`;
}
