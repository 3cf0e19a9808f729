/**
 * The engine's socket belongs to root and a group whose number differs from host to host, so no number can stand in the
 * Compose file. The supervisor starts as root with nothing but SETUID and SETGID, and becomes this user in the socket's group.
 */
import { statSync } from 'node:fs';

const UID = 10001;

/** Drops root, if it is root. Throws ENOENT when the socket is not mounted. */
export function dropRoot(socket: string): void {
  if (process.getuid?.() !== 0) return;
  const { gid } = statSync(socket);
  process.setgroups?.([gid]);
  process.setgid?.(UID);
  process.setuid?.(UID);
}
