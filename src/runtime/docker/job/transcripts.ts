/** What a project's containers have printed, for whoever looks at a broken run when it is gone. */
import { composeLabels } from '../../../shared/names.ts';
import type Docker from 'dockerode';
import type { Transcript } from '../../job.ts';
import { unframe } from '../frames.ts';

/** Of those that are still there: what was removed has taken its log along. */
export async function transcriptsOf(docker: Docker, project: string): Promise<Transcript[]> {
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
