/**
 * The file with the URLs of a job's hooks, `.ftc/hooks/<job>.json`, which its master sees as a secret. The master runs as another
 * user, so the file is for everybody to read, and the folder that it lies in is for its owner alone.
 */
import { join } from 'node:path';
import { notOurs, type Folder } from '../disk/folder.ts';
import { makeOwnFolder, ownFolder, ownFolderAt } from '../disk/own-folder.ts';

const FOLDER = 'hooks';
const fileOf = (name: string): string => `${name}.json`;

/** Absolute. */
export const hookFilePath = (directory: string, name: string): string =>
  join(hookFolder(directory).path, fileOf(name));

/** @throws FtcError FTC_NOT_TRUSTED */
export const hasHookUrls = (directory: string, name: string): boolean =>
  hookFolder(directory).changedAt(fileOf(name)) !== null;

/** @param text null where the job has no URLs. @throws FtcError FTC_NOT_TRUSTED, FTC_CANNOT_WRITE */
export function saveHookUrls(directory: string, name: string, text: string | null): void {
  if (text === null) return forgetHookUrls(directory, name);
  makeOwnFolder(directory);
  const folder = hookFolder(directory);
  folder.make();
  folder.write(fileOf(name), text);
}

/** @throws FtcError FTC_NOT_TRUSTED */
export const forgetHookUrls = (directory: string, name: string): void =>
  hookFolder(directory).remove(fileOf(name));

function hookFolder(directory: string): Folder {
  return ownFolderAt(join(ownFolder(directory).path, FOLDER), {
    file: 0o644,
    check(entry, path) {
      if (!entry.isDirectory() || (entry.mode & 0o077) === 0) return;
      throw notOurs(path, {
        why: 'can be looked into by others, and holds secrets',
        advice: `Take that right away: chmod 700 "${path}"`,
      });
    },
  });
}
