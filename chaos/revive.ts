/** The engine that a command ended and, being killed itself, did not start again. Without it nothing else can be put right. */
import { FtcError } from '../src/errors.ts';
import { engine, EngineData } from './faults/engine.ts';
import type { Runtime, RuntimeModule } from '../src/runtime/runtime.ts';
import type { EngineRun } from '../src/runtime/faults.ts';
import { type Entry, openFaults } from './journal/entries.ts';
import { lockIn, readEntries } from './journal/file.ts';
import { self, takeLock } from './journal/lock.ts';

/** The engine that was ended; null where nobody ended one, or whoever did has started it again. Pure. */
export function endedEngine(entries: readonly Entry[]): EngineRun | null {
  const record = openFaults(entries).find(r => r.fault === engine.name);
  return EngineData.safeParse(record?.data).data ?? null;
}

/**
 * Opens the runtime; starts its engine first where the journal says that a command has ended it.
 * @param folder where the job's journal lies
 * @throws FtcError what opening throws; FTC_ALREADY_RUNNING while that command is at work; FTC_CANNOT for want of rights
 */
export async function openOrRevive(
  module: RuntimeModule,
  project: string,
  folder: string,
  say: (line: string) => void,
): Promise<Runtime> {
  try {
    return await module.open();
  } catch (error) {
    if (!(error instanceof FtcError) || error.code !== 'FTC_NO_ENGINE') throw error;
    const ended = endedEngine(readEntries(folder, project));
    if (ended === null) throw error;
    const start = module.revival(ended, error);
    const release = takeLock(lockIn(folder, project), self('heal', 'ftc chaos heal'));
    try {
      say('starting the engine, which "ftc chaos engine" has ended');
      await start();
    } finally {
      release();
    }
    return module.open();
  }
}
