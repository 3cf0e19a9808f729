/** Which launcher a script needs: ftc where it imports ftc, itself or by way of other modules of its folder. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Launcher } from './launcher.ts';
import { importsOf, type Import } from './python-imports.ts';

/** More is not looked at: a script's own modules are few and small. */
const MOST_FILES = 500;
const MOST_BYTES = 2 << 20;

interface Module {
  readonly path: string;
  /** The package that its relative imports start from; null for the script itself. */
  readonly home: readonly string[] | null;
}

/** What `launcher: auto` means for the script at `path`. A script that cannot be read is named by whoever needs it. */
export function launcherOf(path: string): Launcher {
  if (textAt(path) === null) return 'ftc';
  return importsFtc(path) ? 'ftc' : 'torchrun';
}

function importsFtc(script: string): boolean {
  const folder = dirname(script);
  const own = modulesIn(folder);
  // A module of the user's own that is called so is what Python finds first.
  if (findFiles(folder, ['ftc']).length > 0) return false;
  const queue: Module[] = [{ path: script, home: null }];
  const seen = new Set([script]);
  for (const module of queue) {
    const source = textAt(module.path);
    if (source === null || !mayMatter(source, own)) continue;
    for (const found of importsOf(source, module.path === script)) {
      if (found.level === 0 && found.module[0] === 'ftc') return true;
      for (const next of targets(folder, module, found)) {
        if (seen.has(next.path) || seen.size >= MOST_FILES) continue;
        seen.add(next.path);
        queue.push(next);
      }
    }
  }
  return false;
}

/** Most files import nothing of all that: they are not parsed. */
function mayMatter(source: string, own: readonly string[]): boolean {
  return ['ftc', ...own].some(name => source.includes(name)) || /from\s*\./.test(source);
}

/** Files of the script's folder that Python runs for an import. */
function targets(folder: string, { home }: Module, { level, module, names }: Import): Module[] {
  if (level > 0 && (home === null || level - 1 > home.length)) return [];
  const base = level === 0 ? [] : (home ?? []).slice(0, (home ?? []).length - (level - 1));
  const whole = [...base, ...module];
  const wanted = [whole, ...names.map(name => [...whole, name])];
  return wanted.flatMap(parts => findFiles(folder, parts));
}

/** `a.b` runs `a/__init__.py`, then `a/b.py` or `a/b/__init__.py`. */
function findFiles(folder: string, parts: readonly string[]): Module[] {
  const found: Module[] = [];
  for (let depth = 1; depth <= parts.length; depth += 1) {
    const at = parts.slice(0, depth);
    const path = join(folder, ...at);
    if (isFile(join(path, '__init__.py'))) found.push({ path: join(path, '__init__.py'), home: at });
    else if (isFile(`${path}.py`)) return [...found, { path: `${path}.py`, home: at.slice(0, -1) }];
    else if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return found;
  }
  return found;
}

function modulesIn(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    return entries
      .filter(entry => !entry.isFile() || entry.name.endsWith('.py'))
      .map(entry => basename(entry.name, '.py'));
  } catch {
    return [];
  }
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

/** Null where there is nothing to read. What Python takes for names is the same in every encoding that it reads. */
function textAt(path: string): string | null {
  try {
    const stats = statSync(path);
    return stats.isFile() && stats.size <= MOST_BYTES ? readFileSync(path, 'utf8') : null;
  } catch {
    return null;
  }
}
