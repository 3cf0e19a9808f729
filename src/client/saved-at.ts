/** When a job was last started from a folder. */
import { ownFiles } from '../disk/own-files.ts';
import { ownFolder } from '../disk/own-folder.ts';

/** Milliseconds since the epoch; null where nothing is kept of it there. @throws FtcError FTC_NOT_TRUSTED */
export const savedAt = (directory: string, name: string): number | null =>
  ownFolder(directory).changedAt(ownFiles.project(name));
