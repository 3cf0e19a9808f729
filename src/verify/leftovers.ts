/** What verifications of a job have left. */
import type Docker from 'dockerode';
import * as runs from '../trial/leftovers.ts';
import { verification } from '../trial/project.ts';

const whose = (job: string): runs.Whose => ({ purpose: verification, job });

export const findLeftovers = (docker: Docker, job: string): Promise<runs.Leftovers> =>
  runs.findLeftovers(docker, whose(job));

export const removeRun = (docker: Docker, job: string, project: string): Promise<void> =>
  runs.removeRun(docker, whose(job), project);
