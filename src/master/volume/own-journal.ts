/**
 * The journal, in the master's own volume: no training script can write there. A master of before kept it among the checkpoints; what
 * lies there is taken over once, by the first master that has a place of its own, and never looked at again.
 */
import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { journalFile, MAX_JOURNAL_BYTES, parseJournal, readJournal, type ReadJournal } from '../journal.ts';
import { readPlainSync } from '../../shared/plain-file.ts';

/** Where the journal was found. `path`: of the file, for a person. */
export interface FoundJournal extends ReadJournal {
  readonly path: string;
}

/**
 * @param state the master's own folder
 * @param before the job's folder among the checkpoints, where this is the first master that has one of its own; or else null
 * @throws as {@link readJournal} does, and as the file system does where it cannot be taken over
 */
export function ownJournal(state: string, before: string | null): FoundJournal {
  const path = journalFile(state);
  if (before !== null && !existsSync(path)) {
    const old = takeOver(journalFile(join(before, 'journal')), path);
    if (old !== null) return old;
  }
  return { ...readJournal(state), path };
}

/** Null where there is none, or none that can be read: the job then goes on from its newest checkpoint. */
function takeOver(old: string, path: string): FoundJournal | null {
  let text: string;
  try {
    text = readPlainSync(old, MAX_JOURNAL_BYTES).toString('utf8');
  } catch {
    return null;
  }
  const found = parseJournal(text);
  if (found.poisoned !== undefined) return { ...found, path: old };
  const next = `${path}.next`;
  writeFileSync(next, text, { mode: 0o644, flush: true });
  renameSync(next, path);
  return { ...found, path };
}
