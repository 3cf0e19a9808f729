/** What a project's containers have printed, for whoever looks at a broken run when it is gone. */
import { composeLabels } from '../../src/shared/names.ts';
import type Docker from 'dockerode';
import { unframe } from '../../src/runtime/docker/frames.ts';

export interface ContainerLog {
  /** The container's. */
  readonly name: string;
  /** With the time in front of each line. */
  readonly text: string;
}

/** Of those that are still there: what was removed has taken its log along. */
export async function logsOf(docker: Docker, project: string): Promise<ContainerLog[]> {
  const filters = { label: [`${composeLabels.project}=${project}`] };
  const containers = await docker.listContainers({ all: true, filters });
  const logs = await Promise.all(
    containers.map(async ({ Id, Names: [name = Id] }) => {
      const data = await docker
        .getContainer(Id)
        .logs({ stdout: true, stderr: true, timestamps: true, follow: false })
        .catch(() => null);
      return data === null ? [] : [{ name: name.replace(/^\//, ''), text: unframe(data) }];
    }),
  );
  return logs.flat().sort((a, b) => a.name.localeCompare(b.name));
}
