/**
 * An engine of a test's own, to be killed and started as it likes, on a machine whose engine others use.
 *
 * Another socket and data root would not do. Two engines in one network write the same chains of iptables (DOCKER, DOCKER-USER), and
 * whichever starts or stops takes the other's rules for its own; both would take a machine's containerd where there is one; and a
 * signal that is meant for one may reach the other. So the second engine has namespaces of its own for networks, mounts and
 * processes. From in there the first one can be neither seen nor signalled, and what the kernel holds of it is gone when its
 * process 1 is: see init.sh. What is to reach a container's port runs in there, too (`command`); the engine's own socket is a file
 * that both sides see.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, delimiter, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { execa } from 'execa';
import { ping } from '../../../scripts/setup/client.mjs';
import { borrow } from './borrow.ts';

const INIT = join(import.meta.dirname, 'init.sh');
/** Where init.sh shows the first engine's data root. */
const FIRST = '/run/first';
const START_MS = 60_000;
const needed = ['dockerd', 'docker', 'unshare', 'nsenter', 'setsid', 'setpriv', 'ip', 'mount'];

/** Why there can be none here, and what to do about it; null where there can. */
export async function whyNone(): Promise<string | null> {
  if (process.platform !== 'linux') return 'an engine of its own needs Linux';
  if (process.getuid?.() !== 0) return 'only root can start an engine: run the tests as root';
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const missing = needed.filter(name => !folders.some(folder => existsSync(join(folder, name))));
  if (missing.length > 0)
    return `not installed: ${missing.join(', ')} (packages docker.io, iproute2, util-linux)`;
  const { driver, root } = await firstEngine();
  if (driver !== 'overlay2')
    return `the engine keeps images with the storage driver "${driver}": only those of overlay2 can be lent`;
  return existsSync(join(root, 'overlay2')) ? null : `the engine's data root ${root} is not on this machine`;
}

async function firstEngine(): Promise<{ driver: string; root: string }> {
  const { stdout } = await execa('docker', ['info', '--format', '{{.Driver}} {{.DockerRootDir}}'], {
    reject: false,
  });
  const [driver = '', ...root] = stdout.split(' ');
  return { driver, root: root.join(' ') };
}

export class OwnEngine {
  /** Holds all that is its own. */
  readonly folder: string;
  /** For whatever talks to it. */
  readonly env: Readonly<Record<string, string>>;
  readonly #init: ChildProcessByStdio<Writable, Readable, null>;
  readonly #pid: string;
  readonly #args: readonly string[];

  private constructor(
    folder: string,
    init: ChildProcessByStdio<Writable, Readable, null>,
    pid: string,
    args: readonly string[],
  ) {
    this.folder = folder;
    this.#init = init;
    this.#pid = pid;
    this.#args = args;
    this.env = { DOCKER_HOST: `unix://${this.socket}` };
  }

  /** @param args more for its dockerd */
  static async start(...args: string[]): Promise<OwnEngine> {
    const { root } = await firstEngine();
    const folder = mkdtempSync(join(tmpdir(), 'ftctest-engine-'));
    const spaces = ['--mount', '--net', '--pid', '--ipc', '--fork'];
    // In a session of its own: Ctrl+C ends the test, and then the input ends.
    const init = spawn('unshare', [...spaces, 'bash', INIT, folder, root], {
      detached: true,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const [line] = (await Promise.race([once(init.stdout, 'data'), once(init, 'exit')])) as [unknown];
    if (!Buffer.isBuffer(line)) {
      rmSync(folder, { recursive: true });
      throw new Error(`the namespaces for an engine cannot be made: exit code ${String(line)}`);
    }
    const engine = new OwnEngine(folder, init, line.toString().trim(), args);
    try {
      await borrow(root, FIRST, join(folder, 'root'));
      // Not the machine's settings.
      writeFileSync(join(folder, 'daemon.json'), '{}');
      await engine.restart();
      return engine;
    } catch (error) {
      await engine.close();
      throw error;
    }
  }

  get socket(): string {
    return join(this.folder, 'docker.sock');
  }

  /** How `argv` is run in there. It dies with what is spawned. */
  command(argv: readonly string[], cwd = '/'): [file: string, args: string[]] {
    const spaces = ['--mount', '--net', '--pid', '--ipc'];
    const inside = ['sh', '-c', 'cd "$0" && exec setpriv --pdeathsig KILL "$@"', cwd, ...argv];
    return ['nsenter', ['--target', this.#pid, ...spaces, '--', ...inside]];
  }

  async run(...argv: string[]): Promise<string> {
    const { stdout } = await execa(...this.command(argv), { env: this.env, stdin: 'ignore' });
    return stdout;
  }

  /** Number of its dockerd, in there. @param name of another one, as it was started */
  pid(name = 'own'): Promise<string> {
    return this.run('cat', `/run/${name}.pid`);
  }

  /** As a crash does. */
  async kill(): Promise<void> {
    await this.run('sh', '-c', 'kill -KILL "$(cat /run/own.pid)"');
  }

  /** With the arguments that it was started with. */
  restart(): Promise<void> {
    return this.startAnother('own', this.socket, join(this.folder, 'root'), ...this.#args);
  }

  /** Starts a dockerd in there, and returns when it answers. */
  async startAnother(name: string, socket: string, root: string, ...args: string[]): Promise<void> {
    const log = join(this.folder, `${name}.log`);
    const all = [
      ...[
        '--config-file',
        join(this.folder, 'daemon.json'),
        '--host',
        `unix://${socket}`,
        '--data-root',
        root,
      ],
      ...['--exec-root', `/run/${name}`, '--pidfile', `/run/${name}.pid`, '--storage-driver', 'overlay2'],
      ...['--cgroup-parent', `/${basename(this.folder)}`, ...args],
    ];
    await this.run(
      'sh',
      '-c',
      'log=$0; exec setsid --fork "$@" >>"$log" 2>&1 </dev/null',
      log,
      'dockerd',
      ...all,
    );
    const end = performance.now() + START_MS;
    while (!(await this.#answers(socket))) {
      if (performance.now() > end) throw new Error(`${name} does not answer:\n${readFileSync(log, 'utf8')}`);
      await new Promise(resolve => setTimeout(resolve, 50));
    }
  }

  /** A socket in the folder is asked from here, others in there. */
  async #answers(socket: string): Promise<boolean> {
    if (socket.startsWith(this.folder)) return (await ping(socket)) === 'answers';
    const asked = this.command(['docker', '--host', `unix://${socket}`, 'version']);
    return !(await execa(...asked, { reject: false, stdin: 'ignore' })).failed;
  }

  /** Ends everything in there, and returns when nothing is left. */
  async close(): Promise<void> {
    this.#init.stdin.end();
    if (this.#init.exitCode === null) await once(this.#init, 'exit');
  }
}
