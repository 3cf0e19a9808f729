/** `.ftc` beside a job file: what ftc writes there it acts on later, so it must be the user's own and nobody else's to change. */
import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Check, Folder, notOurs } from './folder.ts';
import { cannotWrite } from './cannot-write.ts';
import { currentUser, distrust } from './trust.ts';

const FOLDER = '.ftc';

/**
 * The folder `.ftc` of a directory, there or not. Every use of it checks it, and each file in it.
 * @throws FtcError FTC_NOT_TRUSTED from each of its methods where the folder or the file is somebody else's, can be written by others, or
 * is a link
 */
export const ownFolder = (directory: string): Folder => ownFolderAt(join(directory, FOLDER));

export interface OwnFolderOptions {
  /** Mode of its files. */
  readonly file?: number;
  /** What else must hold. */
  readonly check?: Check;
}

/** The same by its own path. */
export function ownFolderAt(path: string, { file = 0o600, check }: OwnFolderOptions = {}): Folder {
  return new Folder(path, {
    check(entry, path) {
      const found = distrust(entry, currentUser(), path);
      if (found !== null) throw notOurs(path, found);
      check?.(entry, path);
    },
    modes: { folder: 0o700, file },
    owner: ownerFor(dirname(path)),
  });
}

/**
 * A file that a person wrote, such as a Compose file, and that ftc acts on unasked. Its group may write to it where that is its
 * owner's alone. Null where there is none.
 * @throws FtcError FTC_NOT_TRUSTED
 */
export function readOwnFile(directory: string, name: string): string | null {
  const files = new Folder(directory, {
    follow: true,
    check(entry, path) {
      if (entry.isDirectory()) return;
      const found = distrust(entry, currentUser(), path, { privateGroup: true });
      if (found !== null) throw notOurs(path, found);
    },
  });
  return files.read(name);
}

/** Makes it where it is not there; git does not see it. @throws FtcError FTC_NOT_TRUSTED, FTC_CANNOT_WRITE */
export function makeOwnFolder(directory: string): Folder {
  const folder = ownFolder(directory);
  try {
    folder.make();
  } catch (error) {
    throw cannotWrite(folder.path, error);
  }
  if (folder.changedAt('.gitignore') === null) folder.write('.gitignore', '*\n');
  return folder;
}

/** What root by `sudo` makes in the folder of whoever asked for it is theirs: without sudo they could not use it later. */
function ownerFor(directory: string): { uid: number; gid: number } | null {
  const sudo = currentUser()?.sudo ?? null;
  if (sudo === null) return null;
  return statSync(directory, { throwIfNoEntry: false })?.uid === sudo.uid ? sudo : null;
}
