/** A folder of the host as workers see it: what is none of the script's business is empty there, and cannot be written. */
import type { Hidden } from '../src/job/hidden.ts';
import { literal } from './literal.ts';

/** Bytes of an empty folder's file system. */
const ROOM = 4096;
/** Everybody may look, nobody may write: 0555. */
const LOOK = 0o555;

/** Mounts over parts of what is mounted at `target`. */
export function masks(hidden: readonly Hidden[], target: string): object[] {
  return outermost(hidden).map(({ path, kind }) => {
    const at = `${target}/${literal(path)}`;
    return kind === 'file'
      ? { type: 'bind', source: '/dev/null', target: at, read_only: true, bind: { create_host_path: false } }
      : { type: 'tmpfs', target: at, tmpfs: { size: ROOM, mode: LOOK } };
  });
}

/** In an empty folder there is nothing left to cover. */
function outermost(hidden: readonly Hidden[]): Hidden[] {
  const folders = hidden.filter(({ kind }) => kind === 'folder').map(({ path }) => `${path}/`);
  return hidden.filter(({ path }) => !folders.some(folder => path.startsWith(folder)));
}
