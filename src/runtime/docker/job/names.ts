/** Which jobs there are on an engine. */
import { ftcLabels } from '../../../shared/names.ts';
import type Docker from 'dockerode';

/** Names of the jobs that have containers, sorted. */
export async function jobNames(docker: Docker): Promise<string[]> {
  const all = await docker.listContainers({ all: true, filters: { label: [ftcLabels.job] } });
  return [...new Set(all.flatMap(c => c.Labels[ftcLabels.job] ?? []))].sort();
}
