/** Whether a checkpoint here is to blame for a copy that failed. Pure. */
import { Damaged } from './volume.ts';

/** What the file system says of a file that cannot be read. A socket says none of these. */
const unreadable = new Set(['ENOENT', 'EACCES', 'EISDIR', 'ELOOP', 'EIO']);

/** Why a checkpoint here cannot be copied; null for any other error. */
export function damage(error: unknown): string | null {
  if (error instanceof Damaged) return error.message;
  const { code = '', path } = error as NodeJS.ErrnoException;
  if (!unreadable.has(code)) return null;
  const file = path?.split('/').at(-1) ?? 'a file';
  return code === 'ENOENT' ? `${file} is missing` : `${file} cannot be read (${code})`;
}
