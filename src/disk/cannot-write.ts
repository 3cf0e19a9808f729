/** Why a file cannot be written, for the person who asked for it. */
import { FtcError } from '../errors.ts';

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such directory',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EROFS: 'it lies on a disk that is read-only',
  EACCES: 'it is not permitted',
  EPERM: 'it is not permitted',
};

/** FTC_CANNOT_WRITE for what the system refused; any other error as it is. */
export function cannotWrite(path: string, error: unknown): unknown {
  const { code, syscall, message } = error as NodeJS.ErrnoException;
  if (code === undefined || syscall === undefined) return error;
  return new FtcError('FTC_CANNOT_WRITE', `${path} cannot be written: ${reasons[code] ?? message}`, {
    cause: error,
  });
}
