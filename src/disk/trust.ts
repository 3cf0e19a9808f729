/** Whether a file or folder on this machine is the user's own, so that what it says may be acted on. Pure. */

/** Who runs this command. */
export interface User {
  readonly uid: number;
  /** Of root by `sudo`: who asked for it. Null otherwise. */
  readonly sudo: { readonly uid: number; readonly gid: number } | null;
}

/** What is looked at of a file or folder, as `fstat` tells. */
export interface Entry {
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

/** Why something is not used, and what to do about it. */
export interface Distrust {
  /** Continues its path: `belongs to user 65534`. */
  readonly why: string;
  readonly advice: string;
}

const WRITABLE_BY_GROUP = 0o020;
const WRITABLE_BY_ALL = 0o002;

/** Null where the system has no users and modes as Linux does: there is nothing to look at then. */
export function currentUser(env: Readonly<Record<string, string | undefined>> = process.env): User | null {
  const uid = process.geteuid?.();
  if (uid === undefined) return null;
  const [sudoUid, sudoGid] = [env['SUDO_UID'], env['SUDO_GID']].map(text =>
    /^\d{1,10}$/.test(text ?? '') ? Number(text) : null,
  );
  const isSudo = uid === 0 && sudoUid != null && sudoGid != null;
  return { uid, sudo: isSudo ? { uid: sudoUid, gid: sudoGid } : null };
}

/**
 * Null where it is the user's own and nobody else can change it. Whoever calls `sudo` answers for their own files, as root does.
 * @param name how the advice calls it
 * @param privateGroup its group may write to it where that is the owner's alone, by the custom that both have one number
 */
export function distrust(
  { uid, gid, mode }: Entry,
  user: User | null,
  name: string,
  { privateGroup = false } = {},
): Distrust | null {
  if (user === null) return null;
  if (uid !== user.uid && uid !== user.sudo?.uid) return foreign(uid, user, name);
  const own = privateGroup && uid !== 0 && gid === uid;
  const bits = mode & (own ? WRITABLE_BY_ALL : WRITABLE_BY_ALL | WRITABLE_BY_GROUP);
  if (bits === 0) return null;
  const whom = (bits & WRITABLE_BY_ALL) !== 0 ? 'every user' : `the group ${gid}`;
  return {
    why: `can be written by ${whom} (mode ${(mode & 0o7777).toString(8)})`,
    advice: `If nobody else has changed it, take that right away: chmod -R go-w ${quoted(name)}. Where that has no effect, the file system keeps no modes: keep the job on one that does.`,
  };
}

function foreign(uid: number, { uid: mine }: User, name: string): Distrust {
  if (uid === 0)
    return {
      why: 'belongs to root',
      advice: `An earlier command with sudo may have made it. Take it over (sudo chown -R ${mine} ${quoted(name)}), or use sudo again.`,
    };
  const who = mine === 0 ? 'root' : `user ${mine}`;
  return {
    why: `belongs to user ${uid}, and this is ${who}`,
    advice: `Run the command as that user, or work in a folder of your own. If you have read it and trust it: sudo chown -R ${mine} ${quoted(name)}`,
  };
}

/** As a shell wants it. */
const quoted = (path: string): string =>
  /^[\w./:@%+,-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
