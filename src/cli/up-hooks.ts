/** What `ftc up` does for the hooks of a job: it hands URLs to the master, and runs commands itself. */
import { hookFilePath } from '../client/hook-file.ts';
import { hookUrls } from '../client/hook-urls.ts';
import { hookFileVariable } from '../../compose/hooks.ts';
import type { ComposeProject } from '../runtime/docker/compose.ts';
import type { Connection } from '../runtime/docker/connect.ts';
import { withCommands } from '../job/hooks.ts';
import type { LoadedJob } from '../job/load.ts';
import { HookCommands } from './hook-commands.ts';

/** The project with the URLs, which are kept when it is started. */
export function withHookUrls<Project extends ComposeProject>(project: Project, text: string | null): Project {
  if (text === null) return { ...project, hookUrls: null };
  const variables = {
    ...project.variables,
    [hookFileVariable]: hookFilePath(project.directory, project.name),
  };
  return { ...project, variables, hookUrls: text };
}

export const urlsOf = ({ job }: LoadedJob): string | null => hookUrls(job.hooks);

/** Null where no hook is a command. */
export function commandsOf({ job, projectDir }: LoadedJob, { engine }: Connection): HookCommands | null {
  if (withCommands(job.hooks).length === 0) return null;
  const run = async (): Promise<string> => {
    const containers = await engine.list(job.name);
    return containers.find(({ role }) => role === 'master')?.hostname ?? '';
  };
  return new HookCommands({ hooks: job.hooks, folder: projectDir, run });
}

/** What a person has to know who does not stay; null where there is nothing. */
export function leftOut({ job }: LoadedJob): string | null {
  const names = withCommands(job.hooks).map(name => `hooks.${name}`);
  if (names.length === 0) return null;
  return `with --detach no command of ${names.join(', ')} runs: commands run while "ftc up" shows the job; a URL hears in any case`;
}
