/**
 * A job's chaos journal: one JSON object a line, appended and fsynced before anything happens. It lies beside the saved
 * project; where that folder is not on this machine, or not ours to write, in the folder of the command.
 */
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { ownFiles } from '../../src/disk/own-files.ts';
import { makeOwnFolder, ownFolder } from '../../src/disk/own-folder.ts';
import { FtcError } from '../../src/errors.ts';
import { type Entry, openFaults, parseEntries } from './entries.ts';

/** A journal of this size in which nothing is open begins anew. Bytes. */
const LARGE = 1 << 20;

export const lockIn = (directory: string, project: string): string =>
  join(ownFolder(directory).path, ownFiles.chaosLock(project));

/**
 * The first of `directories` that can be written to.
 * @throws FtcError FTC_CANNOT where none can, FTC_NOT_TRUSTED where that is because of whose they are
 */
export function folderFor(directories: readonly string[]): string {
  let problem: unknown;
  for (const directory of directories) {
    try {
      if (!existsSync(directory)) continue;
      accessSync(makeOwnFolder(directory).path, constants.W_OK);
      return directory;
    } catch (error) {
      problem = error;
    }
  }
  if (problem instanceof FtcError && problem.code === 'FTC_NOT_TRUSTED') throw problem;
  const why = problem instanceof Error ? problem.message : 'none of them is there';
  throw new FtcError('FTC_CANNOT', `what happens cannot be written down: ${why}`, {
    hint: `Nothing is broken that could not be undone. Make one of these writable: ${directories.join(', ')}.`,
    cause: problem,
  });
}

export class ChaosJournal {
  readonly #fd: number;

  /** Opens it for appending. @throws FtcError FTC_NOT_TRUSTED */
  constructor(directory: string, project: string) {
    this.#fd = ownFolder(directory).append(ownFiles.chaosJournal(project));
    const large = fstatSync(this.#fd).size > LARGE;
    if (large && openFaults(readEntries(directory, project)).length === 0) ftruncateSync(this.#fd);
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

/** Empty where there is none. @throws FtcError FTC_NOT_TRUSTED */
export function readEntries(directory: string, project: string): Entry[] {
  const text = ownFolder(directory).read(ownFiles.chaosJournal(project));
  return text === null ? [] : parseEntries(text).entries;
}
