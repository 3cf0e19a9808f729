/**
 * A job's chaos journal: one JSON object a line, appended and fsynced before anything happens. It lies beside the saved
 * project; where that folder is not on this machine, or not ours to write, in the folder of the command.
 */
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { FtcError } from '../../src/errors.ts';
import { type Entry, openFaults, parseEntries } from './entries.ts';

const FOLDER = '.ftc';
/** A journal of this size in which nothing is open begins anew. Bytes. */
const LARGE = 1 << 20;

const journalIn = (directory: string, project: string): string =>
  join(directory, FOLDER, `${project}.chaos.jsonl`);
export const lockIn = (directory: string, project: string): string =>
  join(directory, FOLDER, `${project}.chaos.lock`);

/** The first of `directories` that can be written to. @throws FtcError FTC_CANNOT where none can */
export function folderFor(directories: readonly string[]): string {
  let problem: unknown;
  for (const directory of directories) {
    try {
      if (!existsSync(directory)) continue;
      const folder = join(directory, FOLDER);
      if (!existsSync(folder)) {
        mkdirSync(folder);
        writeFileSync(join(folder, '.gitignore'), '*\n');
      }
      accessSync(folder, constants.W_OK);
      return directory;
    } catch (error) {
      problem = error;
    }
  }
  const why = problem instanceof Error ? problem.message : 'none of them is there';
  throw new FtcError('FTC_CANNOT', `what happens cannot be written down: ${why}`, {
    hint: `Nothing is broken that could not be undone. Make one of these writable: ${directories.join(', ')}.`,
    cause: problem,
  });
}

export class ChaosJournal {
  readonly #fd: number;

  /** Opens it for appending. */
  constructor(directory: string, project: string) {
    const path = journalIn(directory, project);
    const large = existsSync(path) && statSync(path).size > LARGE;
    if (large && openFaults(readEntries(directory, project)).length === 0) rmSync(path);
    this.#fd = openSync(path, 'a');
    // A torn last line must not swallow the next entry.
    writeSync(this.#fd, '\n');
  }

  /** Durable when it returns. */
  append(entry: Entry): void {
    writeSync(this.#fd, `${JSON.stringify(entry)}\n`);
    fsyncSync(this.#fd);
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/** Empty where there is none. */
export function readEntries(directory: string, project: string): Entry[] {
  try {
    return parseEntries(readFileSync(journalIn(directory, project), 'utf8')).entries;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** Removes what a project that is gone has left. */
export function removeJournal(directory: string, project: string): void {
  for (const path of [journalIn(directory, project), lockIn(directory, project)])
    rmSync(path, { force: true });
}
