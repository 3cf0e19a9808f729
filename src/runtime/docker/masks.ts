/**
 * A mount over a file of the host, of which nothing is to be seen, needs that file to be there each time the container starts: what it is
 * mounted on is read-only, so the engine cannot make it. Where the file is gone there is nothing left to cover. The file with the URLs of
 * hooks is no better: the master does without. Pure.
 */
import { z } from 'zod';
import { HOOKS_FILE } from '../../shared/hooks-file.ts';
import type { Blueprint } from '../replica.ts';

const Mount = z.looseObject({ Type: z.string(), Source: z.string().optional(), Target: z.string() });
const Body = z.looseObject({ HostConfig: z.looseObject({ Mounts: z.array(Mount) }) });

/** What could not be mounted, by the engine's words. */
const place = /mounting "[^"]*" to rootfs at "([^"]+)"/;
/** Before a path that nothing is at. */
const absent = 'bind source path does not exist: ';
const gone = /read-only file system|no such file or directory|not a directory/i;

/**
 * The same container without the mount that kept it from starting.
 * @param why what the engine said
 * @returns null where it was something else
 */
export function withoutMask(
  { name, body }: Blueprint,
  why: string,
): { without: string; blueprint: Blueprint } | null {
  const read = Body.safeParse(body);
  if (!read.success) return null;
  const { Mounts, ...rest } = read.data.HostConfig;
  const urls = Mounts.find(m => m.Target === HOOKS_FILE && why.includes(`${absent}${m.Source}`));
  const target = urls?.Target ?? place.exec(why)?.[1];
  if (target === undefined || !(urls || gone.test(why))) return null;
  const covers = (m: z.infer<typeof Mount>): boolean =>
    m.Target === target &&
    (m.Type === 'tmpfs' || m.Source === '/dev/null') &&
    Mounts.some(other => other.Type === 'bind' && target.startsWith(`${other.Target}/`));
  const left = Mounts.filter(m => m !== urls && !covers(m));
  if (left.length === Mounts.length) return null;
  return { without: target, blueprint: { name, body: { ...body, HostConfig: { ...rest, Mounts: left } } } };
}
