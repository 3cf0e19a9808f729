/** Removes what a benchmark's job made on the engine, and what earlier runs that were killed have left. */
import { ftcLabels } from '../src/shared/names.ts';
import { readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Connection } from '../src/runtime/docker/connect.ts';

/** Containers whose names begin with `name`, then their networks. What is gone already is no error. */
export async function removeAll({ docker }: Connection, name: string): Promise<void> {
  const matching = (found: string | undefined): boolean =>
    found === name || found?.startsWith(`${name}-`) === true || found?.startsWith(`${name}_`) === true;
  const containers = (await docker.listContainers({ all: true })).filter(c =>
    c.Names.some(n => matching(n.slice(1))),
  );
  // The supervisor first: it would start again what goes.
  containers.sort((a, b) => Number(isSupervisor(b)) - Number(isSupervisor(a)));
  for (const { Id } of containers)
    await docker.getContainer(Id).remove({ force: true, v: true }).catch(unlessGone);
  const networks = (await docker.listNetworks()).filter(n => matching(n.Name));
  for (const { Id } of networks) await (docker.getNetwork(Id).remove() as Promise<unknown>).catch(unlessGone);
}

/** Jobs of benchmarks whose process is no more. How many there were. */
export async function removeLeftovers(connection: Connection): Promise<number> {
  const [containers, networks] = await Promise.all([
    connection.docker.listContainers({ all: true }),
    connection.docker.listNetworks(),
  ]);
  const folders = readdirSync(tmpdir());
  const all = [
    ...containers.flatMap(c => c.Names.map(n => n.slice(1))),
    ...networks.map(n => n.Name),
    ...folders,
  ];
  const alive = new Set(readdirSync('/proc'));
  const dead = new Set<string>();
  for (const name of all) {
    const [prefix, pid] = /^ftcb-(\d+)(?=-)/.exec(name) ?? [];
    if (prefix !== undefined && pid !== undefined && !alive.has(pid)) dead.add(prefix);
  }
  for (const prefix of dead) {
    await removeAll(connection, prefix);
    for (const folder of folders.filter(name => name.startsWith(`${prefix}-`)))
      rmSync(join(tmpdir(), folder), { recursive: true, force: true });
  }
  return dead.size;
}

function isSupervisor({ Labels }: { Labels: Record<string, string> }): boolean {
  return Labels[ftcLabels.role] === 'supervisor';
}

function unlessGone(error: unknown): void {
  const { statusCode } = error as { statusCode?: number };
  if (statusCode !== 404 && statusCode !== 409) throw error;
}
