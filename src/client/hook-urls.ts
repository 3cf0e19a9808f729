/** The URLs of a job's hooks, looked up where the job file says they are. Whoever reads them passes them on and shows none. */
import { statSync } from 'node:fs';
import { FtcError } from '../errors.ts';
import { shortPath } from '../job/file.ts';
import { type Hook, type HookName, type Hooks, hookNames, urlProblem, withUrls } from '../job/hooks.ts';
import { readPlainSync } from '../shared/plain-file.ts';

type Env = Readonly<Record<string, string | undefined>>;

const MAX_BYTES = 16 << 10;

/**
 * The text of the file that the master reads; null where no hook has a URL.
 * @throws FtcError FTC_USAGE
 */
export function hookUrls(hooks: Hooks, env: Env = process.env, cwd = process.cwd()): string | null {
  const names = withUrls(hooks);
  if (names.length === 0) return null;
  const entries = hookNames.map(name => [
    name,
    hooks[name].flatMap(hook => urlOf(name, hook, env, cwd) ?? []),
  ]);
  return `${JSON.stringify(Object.fromEntries(entries), null, 2)}\n`;
}

/** Null for a command. */
function urlOf(name: HookName, hook: Hook, env: Env, cwd: string): string | null {
  switch (hook.kind) {
    case 'command':
      return null;
    case 'url':
      return hook.url.reveal();
    case 'urlEnv':
      return sound(fromEnvironment(name, hook.name, env), `hooks.${name}: the variable ${hook.name}`);
    case 'urlFile':
      return sound(fromFile(name, hook.path, cwd), `hooks.${name}: the text of ${shortPath(hook.path, cwd)}`);
  }
}

function fromEnvironment(name: HookName, variable: string, env: Env): string {
  const value = env[variable]?.trim() ?? '';
  if (value !== '') return value;
  throw new FtcError('FTC_USAGE', `hooks.${name}: the variable ${variable} is not set in this shell`, {
    hint: `It holds the URL to send to. Set it ("export ${variable}=…"), or take the hook out of the job file.`,
  });
}

function fromFile(name: HookName, path: string, cwd: string): string {
  const short = shortPath(path, cwd);
  const stats = statSync(path, { throwIfNoEntry: false });
  const hint = 'It is a file with one line, the URL to send to. Its path is relative to the job file.';
  if (!stats?.isFile())
    throw new FtcError('FTC_USAGE', `hooks.${name}: ${short} ${stats ? 'is no file' : 'does not exist'}`, {
      hint,
    });
  try {
    return readPlainSync(path, MAX_BYTES).toString('utf8').trim();
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    throw new FtcError('FTC_USAGE', `hooks.${name}: ${short} cannot be read (${code})`, { hint });
  }
}

function sound(url: string, what: string): string {
  const problem = urlProblem(url);
  if (problem === null) return url;
  throw new FtcError('FTC_USAGE', `${what} ${problem}`);
}
