/** What the figures were measured on. */
import { cpus, loadavg, release, totalmem } from 'node:os';
import { readFileSync } from 'node:fs';
import { execa } from 'execa';
import type { Connection } from '../src/runtime/docker/connect.ts';
import { Compose } from '../src/runtime/docker/compose.ts';
import { ownPackage } from '../src/package.ts';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly system: string;
  /** Over the last minute, before anything was started. */
  readonly loadBefore: number;
  readonly node: string;
  readonly ftc: string;
}

/** To be called before anything is started. */
export function machine(): Machine {
  const all = cpus();
  return {
    cpu: all[0]?.model.trim() ?? 'unknown',
    cores: all.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    system: system(),
    loadBefore: loadavg()[0] ?? NaN,
    node: process.version,
    ftc: ownPackage().version,
  };
}

export interface Versions {
  readonly engine: string;
  readonly compose: string;
  readonly torch: string;
}

/** `image`: the workers'. */
export async function versions(connection: Connection, image: string): Promise<Versions> {
  const compose = await Compose.find(connection.host);
  const code = 'import torch; print(torch.__version__)';
  const { stdout } = await execa(
    'docker',
    ['run', '--rm', '--network', 'none', '--entrypoint', 'python3', image, '-c', code],
    { env: { DOCKER_HOST: connection.host.url }, stdin: 'ignore' },
  );
  return { engine: connection.version, compose: compose.version, torch: stdout.trim() };
}

/** One line of Markdown. */
export function describe(m: Machine, v: Versions | null): string {
  const parts = [
    `${m.cpu}, ${m.cores} cores, ${m.memoryGiB} GiB`,
    `${m.system}, Linux ${m.kernel}`,
    `load ${m.loadBefore.toFixed(2)} before the start`,
    ...(v ? [`Docker Engine ${v.engine}`, `Compose ${v.compose}`, `torch ${v.torch}`] : []),
    `Node ${m.node.slice(1)}`,
    `ftc ${m.ftc}`,
  ];
  return `${parts.join('; ')}.`;
}

function system(): string {
  try {
    return /^PRETTY_NAME="?(.*?)"?$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? process.platform;
  } catch {
    return process.platform;
  }
}
