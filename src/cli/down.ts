/** `ftc down`: stops and removes the job's containers, and what its verifications left; with `--volumes` its checkpoints too. */
import { heal } from '../../chaos/heal.ts';
import { createWorld, journalFolders } from '../../chaos/world.ts';
import { forgetHookUrls } from '../client/hook-file.ts';
import { FtcError } from '../errors.ts';
import type { JobFlags } from '../job/sources.ts';
import { jobName } from './job-name.ts';
import type { RunningJob } from '../runtime/job.ts';
import { openRuntime } from '../runtime/pick.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { verification } from '../trial/project.ts';
import { healedLines } from './view/healed.ts';
import { createStages } from './view/stages.ts';
import { stderr } from './print.ts';

export async function run(options: JobFlags & { volumes?: boolean }): Promise<undefined> {
  const name = jobName(options);
  const runtime = await openRuntime();
  await removeVerifications(runtime, name);
  const job = runtime.open(name);
  const { parts, folders, storage } = await job.owned();
  if (parts === 0 && !(storage && options.volumes)) {
    const rest = storage
      ? ' Its checkpoints are kept: "ftc up" resumes from them, "ftc down --volumes" removes them.'
      : '';
    stderr.lines(`no container of "${name}" is here.${rest}`);
    return;
  }
  await healFaults(job);
  await createStages().stage(`removing the containers of "${name}"`, onLine => job.remove({ onLine }));
  forgetUrls(folders, name);
  if (!options.volumes) {
    stderr.lines('checkpoints are kept: "ftc up" resumes from the newest');
    return;
  }
  const kept = await job.removeStorage();
  stderr.lines('checkpoints are removed', ...kept);
}

/** No master reads them any more, and the next "ftc up" writes them again. */
function forgetUrls(folders: Iterable<string | null>, name: string): void {
  for (const folder of folders) {
    try {
      if (folder !== null) forgetHookUrls(folder, name);
    } catch (error) {
      if (!(error instanceof FtcError)) throw error;
      stderr.lines(`! the URLs of the hooks are not removed: ${error.message}`);
    }
  }
}

/** What a fault left in a volume stays there otherwise, and helpers hold on to it. Removing the job is not to fail for that. */
async function healFaults(job: RunningJob): Promise<void> {
  const say = (line: string): void => stderr.lines(line);
  try {
    const folders = journalFolders(await job.replicas(), say);
    const healed = await heal(createWorld(job, say), job.name, folders);
    healedLines(healed).forEach(say);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const hint = error instanceof FtcError && error.hint !== undefined ? `\n     ${error.hint}` : '';
    say(`what faults have left is not put right: ${error.message}${hint}`);
  }
}

/** What verifications of the job left: they were killed, or told to. One that runs is left alone. */
async function removeVerifications(runtime: Runtime, name: string): Promise<void> {
  const whose = { purpose: verification, job: name };
  const { projects, alive } = await runtime.findLeftovers(whose);
  if (alive.length > 0)
    stderr.lines(`a verification of "${name}" is running (process ${alive.join(', ')}): left alone`);
  if (projects.length === 0) return;
  await createStages().stage(`removing what a verification left: ${projects.join(', ')}`, async () => {
    for (const project of projects) await runtime.removeRun(whose, project);
  });
}
