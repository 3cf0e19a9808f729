/** The URLs of a job's hooks, as `ftc up` hands them to the master: in a file that is mounted as a secret. */
import { z } from 'zod';
import type { FactOf } from '../../api/fact.ts';
import { hookNames, isUrl, MOST_HOOKS, type HookName } from '../../job/hooks.ts';
import { readPlainSync } from '../../shared/plain-file.ts';

const MAX_BYTES = 256 << 10;

const list = z.array(z.string().refine(isUrl)).max(MOST_HOOKS);
const Urls = z.strictObject(Object.fromEntries(hookNames.map(name => [name, list.default([])])));

export type HookUrls = Readonly<Record<HookName, readonly string[]>>;

const none: HookUrls = { onFailure: [], onRecovery: [], onSuccess: [] };

/**
 * @param wanted hooks that the job file gives a URL
 * @returns the URLs, and what is wrong with the file for people: never with a part of it
 */
export function readHookUrls(
  wanted: readonly HookName[],
  path: string,
): { readonly urls: HookUrls; readonly problem: FactOf<'hook-unknown'> | null } {
  const read = readFile(path);
  if (typeof read === 'string') return { urls: none, problem: missing(wanted, read) };
  const lacking = wanted.filter(name => read[name].length === 0);
  return { urls: read, problem: lacking.length === 0 ? null : missing(lacking, 'its file has none') };
}

const missing = (hooks: readonly string[], reason: string): FactOf<'hook-unknown'> => ({
  what: 'hook-unknown',
  hooks: [...hooks],
  reason,
});

function readFile(path: string): HookUrls | string {
  let text: string;
  try {
    text = readPlainSync(path, MAX_BYTES).toString('utf8');
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    // /dev/null stands there where nobody named a file.
    return code === 'NOTPLAIN' || code === 'ENOENT'
      ? 'no file was handed over'
      : `its file cannot be read (${code})`;
  }
  try {
    const read = Urls.safeParse(JSON.parse(text));
    return read.success
      ? { ...none, ...read.data }
      : 'its file does not hold lists of URLs by the names of hooks';
  } catch {
    return 'its file is no JSON';
  }
}
