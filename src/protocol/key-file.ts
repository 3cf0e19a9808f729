/** Where a member finds the key of its role: in a file that the master has written, in a volume that only this role mounts. */
import { join } from 'node:path';
import { readPlainSync } from '../shared/plain-file.ts';
import { MemberKey, type MemberRole } from './membership-proof.ts';

export const KEY_FILE = 'key.json';
/** Bytes. */
const MOST = 4096;

/** Null where there is none yet. @throws Error whose message names the file and repeats nothing of it */
export function readKey(folder: string, role: MemberRole): MemberKey | null {
  const path = join(folder, KEY_FILE);
  let text: string;
  try {
    text = readPlainSync(path, MOST).toString('utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  const parsed = MemberKey.safeParse(parse(text));
  if (!parsed.success || parsed.data.role !== role) throw new Error(`${path} is not the key of a ${role}`);
  return parsed.data;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
