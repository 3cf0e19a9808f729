/** A job to break, and what can be seen of it from outside: with plain docker, and from inside other containers. */
import { readFileSync } from 'node:fs';
import { openFaults } from '../../chaos/journal/entries.ts';
import { readEntries } from '../../chaos/journal/file.ts';
import { helperImage } from '../../src/runtime/docker/helper-image.ts';
import type { Container, ContainerEvent } from '../../src/runtime/docker/engine.ts';
import { docker, TestJob, TINY } from './harness.ts';

/** What waits for something gives up after it: nothing here takes so long. */
const PATIENCE_MS = 60_000;

/** Nothing that is shorter than a minute costs a worker its place. Ten steps a second leave the machine to what is tested. */
const JOB = `script: train.py
args: ["0.1"]
steps: 100000
standbys: 1
checkpoint: { every: 15, keep: 60 }
recovery: { heartbeat: 60s, hang: 10m, backoff: { initial: 300ms } }
`;

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

/** The arguments that hit just this one. */
export const aim = (who: string, c: Container): string[] =>
  who === 'worker' ? ['worker', '--container', c.name] : [who];

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

  /** A job of three and a standby that train, on a volume with a size of its own: it can be full. */
  static async start(label: string): Promise<Broken> {
    const job = await TestJob.create(label, JOB);
    job.write('train.py', readFileSync(TINY, 'utf8'));
    const mount = ['--opt', 'type=tmpfs', '--opt', 'device=tmpfs', '--opt', 'o=size=96m,mode=1777'];
    const ours = [`io.ftc.job=${job.name}`, `io.ftc.folder=${job.folder}`];
    const composes = [`com.docker.compose.project=${job.name}`, 'com.docker.compose.volume=checkpoints'];
    const labels = [...ours, ...composes].flatMap(label => ['--label', label]);
    await docker('volume', 'create', ...mount, ...labels, `${job.name}_checkpoints`);
    const lab = new Broken(job);
    try {
      const up = await job.ftc('up', '-d');
      if (up.code !== 0) throw new Error(up.stderr);
      await lab.whole();
      return lab;
    } catch (error) {
      await lab.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.job.close();
  }

  /** Three train, one waits, and another step is committed. */
  async whole(): Promise<void> {
    const { step } = await this.job.until(
      s =>
        s.worldSize === 3 &&
        s.workers.length === 4 &&
        s.workers.every(w => ['training', 'ready'].includes(w.state)),
      'three train and one waits',
    );
    await this.job.until(s => (s.step ?? 0) > (step ?? 0), 'another step');
  }

  async target(who: string): Promise<Container> {
    return who === 'worker' ? this.job.rank(1) : this.job.one(who as 'master' | 'supervisor');
  }

  /** Faults that nobody has put right. */
  open(): string[] {
    return openFaults(readEntries(this.job.folder, this.job.name)).map(r => r.fault);
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
