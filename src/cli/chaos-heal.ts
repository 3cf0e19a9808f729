/** `ftc chaos heal`: puts right what a command that was killed has left of its faults. */
import { healOpen, type Healed } from '../../chaos/heal.ts';
import { openFaults } from '../../chaos/journal/entries.ts';
import { ChaosJournal, folderFor, lockIn, readEntries } from '../../chaos/journal/file.ts';
import { self, takeLock } from '../../chaos/journal/lock.ts';
import { createWorld, journalFolders } from '../../chaos/world.ts';
import { connect } from '../docker/connect.ts';
import { ExitCode } from '../errors.ts';
import type { JobFlags } from '../job/sources.ts';
import { jobName } from './job-name.ts';
import { healedLines } from './view/healed.ts';

export async function run(options: JobFlags & { json?: boolean }): Promise<number> {
  const connection = await connect();
  const project = jobName(options);
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  const world = createWorld(connection, say);
  const folder = folderFor(journalFolders(await connection.engine.list(project)));
  const release = takeLock(lockIn(folder, project), self('heal', 'ftc chaos heal'));
  let healed: Healed[];
  try {
    const left = openFaults(readEntries(folder, project));
    const journal = new ChaosJournal(folder, project);
    healed = await healOpen(world, project, left, entry => journal.append(entry));
    journal.close();
  } finally {
    release();
  }
  if (options.json) process.stdout.write(`${JSON.stringify(healed, null, 2)}\n`);
  else if (healed.length === 0) process.stdout.write(`nothing is left of any fault of "${project}"\n`);
  else process.stdout.write(`${healedLines(healed).join('\n')}\n`);
  return healed.every(h => h.healed) ? ExitCode.ok : ExitCode.state;
}
