/** A job to break, and what can be seen of it from outside: with plain docker, and from inside other containers. */
import { openFaults } from '../../chaos/journal/entries.ts';
import { readEntries } from '../../chaos/journal/file.ts';
import { helperImage } from '../../chaos/helper/image.ts';
import type { Container, ContainerEvent } from '../../src/docker/engine.ts';
import type { TestJob } from './harness.ts';
import { docker } from './harness.ts';

/** What waits for something gives up after it: nothing here takes so long. */
const PATIENCE_MS = 60_000;

type Maybe<T> = T | false | null | undefined;

/** Looks again until it is so. */
export async function eventually<T>(what: string, look: () => Maybe<T> | Promise<Maybe<T>>): Promise<T> {
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    const seen = await look();
    if (seen !== false && seen !== null && seen !== undefined) return seen;
    if (performance.now() > until) throw new Error(`${what}: not within ${PATIENCE_MS / 1000} s`);
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}

export class Broken {
  readonly job: TestJob;
  readonly events: ContainerEvent[] = [];
  readonly #stop = new AbortController();
  #image = '';

  constructor(job: TestJob) {
    this.job = job;
    void (async () => {
      for await (const event of job.connection.engine.events(job.name, this.#stop.signal))
        if (event !== 'connected') this.events.push(event);
    })();
  }

  close(): void {
    this.#stop.abort();
  }

  /** The output of a command in a container. */
  async inside(container: string, command: string): Promise<string> {
    return (await docker('exec', container, 'sh', '-c', command)).stdout;
  }

  /** iptables and tc, as the network namespace of a container has them. */
  async network(container: Container): Promise<string> {
    this.#image ||= await helperImage(this.job.connection, () => undefined);
    const look = 'iptables -w -S; iptables -w -L -v -n -x; tc qdisc show dev eth0';
    const where = [
      '--rm',
      '--network',
      `container:${container.id}`,
      '--cap-drop',
      'ALL',
      '--cap-add',
      'NET_ADMIN',
    ];
    return (await docker('run', ...where, '--entrypoint', 'sh', this.#image, '-c', look)).stdout;
  }

  /** What becomes of a connection to a port where nobody listens: `refused` by whoever is there, or `timed out`. */
  async knock(from: string, to: string, port = 9): Promise<string> {
    const script = `import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=1).close()
    print("accepted")
except ConnectionRefusedError:
    print("refused")
except OSError:
    print("timed out")`;
    return (await docker('exec', from, 'python3', '-c', script, to, String(port))).stdout;
  }

  /** All that a fault could leave behind: on the engine, in a container, its network, the volume, the journal. */
  async leftovers(target: Container): Promise<string[]> {
    const { name, folder } = this.job;
    const open = openFaults(readEntries(folder, name)).map(r => `open: ${r.fault}`);
    const helpers = await docker('ps', '--all', '--quiet', '--filter', `label=io.ftc.chaos=${name}`);
    const now = await this.job.connection.engine.inspect(target.id);
    const found = [...open, ...helpers.stdout.split('\n').map(id => id && `helper ${id}`)];
    if (now?.state !== 'running') return [...found, now ? `${now.name} is ${now.state}` : ''].filter(Boolean);
    const processes = await this.inside(
      target.id,
      `grep -l "^State:.T" /proc/[0-9]*/status; grep -l FTC_CHAOS= /proc/[0-9]*/environ; ls -d /checkpoints/${name}/.chaos-*`,
    );
    const limits = await docker(
      'inspect',
      '--format',
      '{{.HostConfig.CpuQuota}} {{.HostConfig.NanoCpus}} {{.HostConfig.Memory}}',
      target.id,
    );
    const [quota, nano, memory] = limits.stdout.split(' ').map(Number);
    const limited = (quota ?? 0) > 0 || (nano ?? 0) > 0 || ((memory ?? 0) > 0 && (memory ?? 0) < 2 ** 50);
    const network = (await this.network(target)).split('\n').filter(line => /FTC-|tbf|netem/.test(line));
    return [...found, ...processes.split('\n'), ...network, limited ? `limits ${limits.stdout}` : ''].filter(
      Boolean,
    );
  }
}
