/** Names that stay in their folder. */
import { z } from 'zod';

/** Neither a path nor one of a folder's own two names; nothing that a terminal would act on. Pure. */
export function isPlainName(name: string): boolean {
  return /^[^/\\\x00-\x1f\x7f]{1,255}$/.test(name) && name !== '.' && name !== '..';
}

/** For what is read from a file or a label, and used in a path or for a container. */
export const PlainName = z.string().refine(isPlainName, 'must be a name, not a path');
