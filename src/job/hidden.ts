/**
 * What lies in the script's folder and is none of the script's business: credentials, `.env` and ftc's own notes. The workers see
 * the folder without it, compose/hidden.ts says how.
 */
import { readdirSync, realpathSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, sep } from 'node:path';
import { hookNames } from './hooks.ts';
import { builtinOf, type Job } from './job.ts';
import { secretOf } from './s3.ts';

export interface Hidden {
  /** Relative to the mounted folder, with `/`. */
  readonly path: string;
  readonly kind: 'file' | 'folder';
}

export interface HiddenPaths {
  /** In the script's folder. */
  readonly script: readonly Hidden[];
  /** In the dataset's. */
  readonly dataset: readonly Hidden[];
  /** False where the folder has more entries than are looked at. */
  readonly complete: boolean;
}

export const nothingHidden: HiddenPaths = { script: [], dataset: [], complete: true };

/** More entries of a script's folder are not looked at; those nearest to the script are. */
export const MOST_ENTRIES = 50_000;
/** Folders in which nobody keeps an `.env`, and which are large. */
const skipped = new Set(['.git', 'node_modules', '__pycache__', '.mypy_cache', '.pytest_cache', '.tox']);
const NOTES = '.ftc';
const folders = new Set([NOTES, '.aws']);

/**
 * `.env`, `.env.local`; not what an editor puts beside it for a moment, and not the example that is committed: what is mounted must
 * stay there as long as the job runs, and another branch may have none.
 */
export const isEnv = (name: string): boolean =>
  /^\.env(\..+)?$/.test(name) && !/(\.sw[a-p]|~|\.tmp|\.lock|\.(example|sample|template|dist))$/.test(name);

/** @param projectDir where ftc keeps its notes */
export function findHidden(job: Job, projectDir: string, most = MOST_ENTRIES): HiddenPaths {
  if (builtinOf(job.script) !== null && job.dataset === null) return nothingHidden;
  const script = builtinOf(job.script) === null ? real(dirname(job.script)) : null;
  const found = script === null ? { paths: [], complete: true } : search(script, most);
  const logins = [job.checkpoint.s3?.credentials, job.data?.s3?.credentials].filter(
    login => login != null && secretOf(login) === null,
  );
  const hooks = hookNames.flatMap(name => job.hooks[name]);
  const urls = hooks.flatMap(hook => (hook.kind === 'urlFile' ? [hook.path] : []));
  const named = [...logins, ...urls, join(projectDir, NOTES)].map(path => real(path ?? ''));
  const all = [...new Set([...found.paths, ...named])].filter(path => path !== null).sort();
  const within = (root: string | null): Hidden[] => (root === null ? [] : all.flatMap(p => inside(root, p)));
  const dataset = job.dataset === null ? null : real(job.dataset);
  return { script: within(script), dataset: within(dataset), complete: found.complete };
}

/** The same with ftc's own folder, which is there before the job's containers are: whoever starts the job writes into it first. */
export function withNotes(hidden: HiddenPaths, job: Job, projectDir: string): HiddenPaths {
  const parent = real(projectDir);
  const script = builtinOf(job.script) === null ? real(dirname(job.script)) : null;
  if (parent === null || script === null) return hidden;
  const path = pathWithin(script, join(parent, NOTES));
  if (path === null || hidden.script.some(one => one.path === path)) return hidden;
  return { ...hidden, script: [...hidden.script, { path, kind: 'folder' }] };
}

/** Level by level. What a link leads to is named by where it is. */
function search(root: string, most: number): { paths: (string | null)[]; complete: boolean } {
  const paths: (string | null)[] = [];
  let level = [root];
  let left = most;
  while (level.length > 0) {
    const next: string[] = [];
    for (const folder of level) {
      for (const entry of entriesOf(folder)) {
        if ((left -= 1) < 0) return { paths, complete: false };
        const path = join(folder, entry.name);
        if (isEnv(entry.name) && !entry.isDirectory()) paths.push(real(path));
        else if (folders.has(entry.name)) paths.push(real(path));
        else if (entry.isDirectory() && !skipped.has(entry.name)) next.push(path);
      }
    }
    level = next;
  }
  return { paths, complete: true };
}

function inside(root: string, path: string): Hidden[] {
  const short = pathWithin(root, path);
  if (short === null) return [];
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return [];
  if (stats.isDirectory()) return [{ path: short, kind: 'folder' }];
  return stats.isFile() ? [{ path: short, kind: 'file' }] : [];
}

/** Null for what is not below. */
function pathWithin(root: string, path: string): string | null {
  const short = relative(root, path).split(sep).join('/');
  return short === '' || short === '..' || short.startsWith('../') || isAbsolute(short) ? null : short;
}

function entriesOf(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch {
    // Who may not look in here is mostly not the workers' user either.
    return [];
  }
}

function real(path: string): string | null {
  try {
    return realpathSync(path);
  } catch {
    return null;
  }
}
