/** `ftc chaos heal`: puts right what a command that was killed has left of its faults, and removes what it has left of its own jobs. */
import { heal } from '../../chaos/heal.ts';
import { openOrRevive } from '../../chaos/revive.ts';
import { createWorld, journalFolders } from '../../chaos/world.ts';
import { ExitCode } from '../errors.ts';
import type { JobFlags } from '../job/sources.ts';
import { pick } from '../runtime/pick.ts';
import { removeLeftovers } from '../trial/leftovers.ts';
import { experiment } from '../trial/project.ts';
import { jobName } from './job-name.ts';
import { healedLines } from './view/healed.ts';
import { stderr, stdout } from './print.ts';

export async function run(options: JobFlags & { json?: boolean }): Promise<number> {
  const project = jobName(options);
  const say = (line: string): void => stderr.lines(line);
  const runtime = await openOrRevive(await pick(), project, process.cwd(), say);
  const job = runtime.open(project);
  const healed = await heal(createWorld(job, say), project, journalFolders(await job.replicas(), say));
  const removed = await removeLeftovers(runtime, { purpose: experiment, job: null });
  if (removed.length > 0) say(`removed what a chaos run left: ${removed.join(', ')}`);
  if (options.json) stdout.json(healed, 2);
  else if (healed.length === 0) stdout.lines(`nothing is left of any fault of "${project}"`);
  else stdout.lines(...healedLines(healed));
  return healed.every(h => h.healed) ? ExitCode.ok : ExitCode.state;
}
