/** Compose: builds images, and creates and scales a job's containers. What is stopped or removed is found by label: see `own.ts`. */
import { roles } from '../../shared/names.ts';
import { devNull } from 'node:os';
import { stripVTControlCharacters } from 'node:util';
import { execa } from 'execa';
import { composeError } from './compose-error.ts';
import { findCompose, type ComposeCommand } from './compose-command.ts';
import { hostEnvironment, type EngineHost } from './host.ts';

export interface ComposeProject {
  readonly name: string;
  /** Absolute; relative paths in `yaml` start here. */
  readonly directory: string;
  /** The rendered file. Null where only the containers' names are known: then their logs can be read, and nothing else. */
  readonly yaml: string | null;
  /** Values of the file's own variables: FTC_PORT and the like. Undefined leaves one to Compose. */
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** Services whose images are built. Default: a job's two. */
  readonly images?: readonly string[];
  /** Text of the file with the URLs of its hooks; null where it has none. Undefined leaves a file as it is. */
  readonly hookUrls?: string | null;
}

export interface RunOptions {
  /** Each line that Compose prints, as it comes. */
  readonly onLine?: (line: string) => void;
  /** Ends Compose; the call then rejects. */
  readonly signal?: AbortSignal;
}

export interface UpOptions extends RunOptions {
  /** How many containers of the service `worker`, standbys included. Default: the file's. */
  readonly workers?: number;
  /** False keeps containers whose configuration has changed as they are. */
  readonly recreate?: boolean;
  /** False (the default) trusts that the images are there: see `build`. */
  readonly build?: boolean;
  readonly services?: readonly string[];
  /** False starts `services` alone, without those that they depend on. */
  readonly dependencies?: boolean;
}

/** Of what Compose prints, for the error that may follow. */
const KEPT_LINES = 200;

export class Compose {
  readonly version: string;
  readonly #command: ComposeCommand;
  readonly #env: NodeJS.ProcessEnv;

  private constructor(command: ComposeCommand, env: NodeJS.ProcessEnv) {
    this.#command = command;
    this.#env = env;
    this.version = command.version;
  }

  /** @throws FtcError FTC_NO_COMPOSE */
  static async find(host: EngineHost, env: NodeJS.ProcessEnv = process.env): Promise<Compose> {
    const all = { ...withoutCompose(env), ...hostEnvironment(host) };
    return new Compose(await findCompose(all), all);
  }

  /** Builds a job's two images, or those of other services; what has not changed comes from the engine's cache. */
  async build(
    project: ComposeProject,
    options: RunOptions & { services?: readonly string[] } = {},
  ): Promise<void> {
    // The supervisor's image is the master's.
    const services = options.services ?? project.images ?? ['master', 'worker'];
    await this.#run(project, 'build the images', ['build', ...services], options);
  }

  async up(project: ComposeProject, options: UpOptions = {}): Promise<void> {
    const { workers, recreate = true, build = false, services = [], dependencies = true } = options;
    const args = ['up', '--detach', build ? '--build' : '--no-build'];
    if (!recreate) args.push('--no-recreate');
    if (!dependencies) args.push('--no-deps');
    if (workers !== undefined) args.push('--scale', `worker=${workers}`);
    await this.#run(project, 'start the job', [...args, ...services], options);
  }

  /** Compose's own fingerprint of a service, as it is in a label of each of its containers; null where the file has no such service. */
  async fingerprint(project: ComposeProject, service: string): Promise<string | null> {
    let found: string | null = null;
    const onLine = (line: string): void => {
      const [name, hash = ''] = line.split(' ');
      if (name === service && /^[0-9a-f]{64}$/.test(hash)) found = hash;
    };
    await this.#run(project, 'read the project', ['config', '--hash', '*'], { onLine });
    return found;
  }

  /** What the containers print, line by line, each behind its container's name and a bar. */
  async logs(
    project: ComposeProject,
    options: RunOptions & { follow?: boolean; tail?: string; services?: readonly string[] },
  ): Promise<void> {
    const args = ['logs', '--no-color'];
    if (options.follow) args.push('--follow');
    if (options.tail !== undefined) args.push('--tail', options.tail);
    await this.#run(project, 'read the logs', [...args, ...(options.services ?? [])], options);
  }

  async #run(
    project: ComposeProject,
    doing: string,
    args: readonly string[],
    { onLine, signal }: RunOptions,
  ): Promise<void> {
    const { file, before } = this.#command;
    // Without a file of ours Compose would read one that happens to lie in the folder, and without --env-file the folder's .env.
    const where = ['-p', project.name, '--project-directory', project.directory, '--env-file', devNull];
    const text = ['-f', '-'];
    const output: string[] = [];
    const collect = function* (raw: unknown): Generator<string> {
      const line = stripVTControlCharacters(String(raw)).trimEnd();
      output.push(line);
      if (output.length > KEPT_LINES) output.shift();
      if (line !== '') onLine?.(line);
      yield line;
    };
    signal?.throwIfAborted();
    // The docker command does not always pass a signal on to its plugin, so they share a group that gets it together.
    const group = signal !== undefined && process.platform !== 'win32';
    const child = execa(file, [...before, '--ansi', 'never', ...where, ...text, ...args], {
      env: { ...this.#env, ...project.variables },
      extendEnv: false,
      cwd: project.directory,
      input: project.yaml ?? bareServices,
      stdout: collect,
      stderr: collect,
      // What matters of it is in `output`; a log that is followed has no end.
      buffer: false,
      reject: false,
      ...(group ? { detached: true } : signal && { cancelSignal: signal }),
    });
    const release = group ? endWith(child, signal) : () => undefined;
    const result = await child.finally(release);
    signal?.throwIfAborted();
    if (result.failed) throw composeError(doing, output, result);
  }
}

/** Enough for Compose to find the containers of the services. */
const bareServices = JSON.stringify({
  services: Object.fromEntries(roles.map(name => [name, { image: name }])),
});

/**
 * COMPOSE_FILE, COMPOSE_REMOVE_ORPHANS, COMPOSE_COMPATIBILITY and their like are meant for the user's own projects. Here they would
 * change what is read, removed, or how containers are called.
 */
function withoutCompose(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^COMPOSE_/i.test(name)));
}

/** How long Compose may take to end by itself. */
const GRACE_MS = 5_000;

/**
 * Ends the process group that `child` leads when `signal` aborts, and when this process exits.
 * @returns what to call when the child has ended
 */
function endWith(child: { readonly pid?: number | undefined }, signal: AbortSignal): () => void {
  let timer: NodeJS.Timeout | undefined;
  const send = (name: NodeJS.Signals): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, name);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  };
  const abort = (): void => {
    send('SIGTERM');
    timer = setTimeout(() => send('SIGKILL'), GRACE_MS);
  };
  const exit = (): void => send('SIGTERM');
  signal.addEventListener('abort', abort);
  process.on('exit', exit);
  return () => {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
    process.off('exit', exit);
  };
}
