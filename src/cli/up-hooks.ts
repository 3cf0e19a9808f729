/** What `ftc up` does for the hooks of a job: it hands URLs to the master, and runs commands itself. */
import { hookUrls } from '../client/hook-urls.ts';
import { withCommands } from '../job/hooks.ts';
import type { RunningJob } from '../runtime/job.ts';
import type { LoadedJob } from '../job/load.ts';
import { HookCommands } from './hook-commands.ts';

export const urlsOf = ({ job }: LoadedJob): string | null => hookUrls(job.hooks);

/** Null where no hook is a command. */
export function commandsOf({ job, projectDir }: LoadedJob, running: RunningJob): HookCommands | null {
  if (withCommands(job.hooks).length === 0) return null;
  const run = async (): Promise<string> => {
    const containers = await running.replicas();
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
