/** Puts right what commands have left that are gone: by the journal, and by the labels of what they made. */
import { FtcError } from '../src/errors.ts';
import { now } from '../src/shared/clock.ts';
import { FaultRecord, type World } from './faults/fault.ts';
import { faults } from './faults/index.ts';
import { type Entry, openFaults } from './journal/entries.ts';
import { ChaosJournal, folderFor, lockIn, readEntries } from './journal/file.ts';
import { self, takeLock } from './journal/lock.ts';

export interface Healed {
  readonly id: string;
  readonly fault: string;
  readonly container: string;
  /** When it began, milliseconds since the epoch; null where nothing says so. */
  readonly at: number | null;
  /** Such as that the container is gone; null where all is as it was. */
  readonly note: string | null;
  /** False: it could not be put right, and stays in the journal. */
  readonly healed: boolean;
}

/**
 * Puts right all that is left of a project's faults. It lets a command that is at work go on.
 * @param folders where the journal may lie
 * @throws FtcError FTC_ALREADY_RUNNING while one is
 */
export async function heal(world: World, project: string, folders: readonly string[]): Promise<Healed[]> {
  const folder = folders.find(f => openFaults(readEntries(f, project)).length > 0);
  if (folder === undefined && (await world.faults.helpers(project)).length === 0) return [];
  return healIn(world, project, folder ?? folderFor(folders));
}

async function healIn(world: World, project: string, folder: string): Promise<Healed[]> {
  const release = takeLock(lockIn(folder, project), self('heal', 'ftc chaos heal'));
  try {
    const left = openFaults(readEntries(folder, project));
    const journal = new ChaosJournal(folder, project);
    const healed = await healOpen(world, project, left, entry => journal.append(entry));
    journal.close();
    return healed;
  } finally {
    release();
  }
}

/** @param left records that are open in the journal, in the order to undo them in */
export async function healOpen(
  world: World,
  project: string,
  left: readonly FaultRecord[],
  append: (entry: Entry) => void,
): Promise<Healed[]> {
  const known = new Set(left.map(r => r.id));
  const helpers = await world.faults.helpers(project);
  const told = helpers.flatMap(h => FaultRecord.safeParse(parseJson(h.record)).data ?? []);
  const strangers = told.filter(r => !known.has(r.id) && r.project === project);
  const healed: Healed[] = [];
  for (const record of [...left, ...strangers]) {
    const result = record.project === project ? await undo(world, record) : refused(record, project);
    healed.push(result);
    if (result.healed) append({ type: 'over', id: record.id, at: now(), note: result.note });
  }
  // Helpers end with the fault that they belong to; what is left belongs to none that is known.
  for (const helper of await world.faults.helpers(project)) await world.faults.dismiss(helper.id);
  return healed;
}

/** It may have come with a folder from elsewhere. Whoever wrote it does not decide what happens to another job. */
function refused({ id, at, fault, container, project }: FaultRecord, wanted: string): Healed {
  const note = `its record is of the job "${project}", not of "${wanted}", and is not used: remove its line from the journal`;
  return { id, at, fault, container: container.name, note, healed: false };
}

async function undo(world: World, record: FaultRecord): Promise<Healed> {
  const { id, at, container } = record;
  const result = { id, at, fault: record.fault, container: container.name };
  const fault = faults.find(f => f.name === record.fault);
  if (!fault) return { ...result, note: 'this version of ftc does not know the fault', healed: false };
  try {
    return { ...result, note: await fault.revert(world, record), healed: true };
  } catch (error) {
    // Without an engine nothing can be put right; of anything else the next one is no worse off.
    if (error instanceof FtcError && error.code === 'FTC_ENGINE_GONE') throw error;
    return { ...result, note: (error as Error).message, healed: false };
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
