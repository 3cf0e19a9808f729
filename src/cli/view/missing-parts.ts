/** What of a job is not there, a line each, and what brings it back. Pure. */
import type { Replica } from '../../runtime/replica.ts';

/** @param target how many workers the master wants to hold ranks */
export function missingParts(containers: readonly Replica[], target: number): string[] {
  const lines: string[] = [];
  const supervisor = containers.find(({ role }) => role === 'supervisor');
  const alive = supervisor?.state === 'running' || supervisor?.state === 'paused';
  if (supervisor === undefined)
    lines.push(
      '! the supervisor\'s container is gone: what dies is not started again. "ftc watch" makes it anew.',
    );
  else if (!alive)
    lines.push(
      `! the supervisor is ${supervisor.state}: what dies is not started again. "ftc watch" or "docker start ${supervisor.name}" starts it.`,
    );
  const present = containers.filter(({ role }) => role === 'worker').length;
  if (present < target)
    lines.push(
      `! containers of ${target - present} of ${target} workers are gone. "ftc scale worker=${target}" makes them anew.`,
    );
  for (const { name, project, role, attached, state } of containers)
    if (role !== 'worker' && state === 'running' && !attached)
      lines.push(`! ${name} is cut off from the network ${project}_default. "ftc watch" puts it back.`);
  return lines;
}
