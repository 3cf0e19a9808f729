/** Where a project is rendered for: the folder that its relative paths start from, and the package. */
import { isAbsolute, relative, sep } from 'node:path';
import type { HiddenPaths } from '../src/job/hidden.ts';
import { literal } from './literal.ts';

export interface Place {
  /** Absolute. */
  readonly projectDir: string;
  /** Absolute: what the images are built from. */
  readonly packageRoot: string;
  readonly version: string;
  /** `uid:gid` of master and workers. */
  readonly user: string;
  /** SHA-256 of the job's requirements file, in hex, where it has one. */
  readonly requirements?: string | null;
  /** What workers do not see of the folders that they are given. */
  readonly hidden?: HiddenPaths;
}

/** The build's context: relative, so that a committed project works in every checkout. */
export function contextPath({ projectDir, packageRoot }: Place): string {
  return literal(fromProject(projectDir, packageRoot));
}

/** A directory of the host: relative inside the project's folder, as it is elsewhere. */
export function hostPath({ projectDir }: Place, path: string): string {
  const short = fromProject(projectDir, path);
  return literal(short.startsWith('..') ? path : short);
}

function fromProject(projectDir: string, path: string): string {
  const short = relative(projectDir, path).split(sep).join('/');
  if (short === '') return '.';
  return isAbsolute(short) || short.startsWith('..') ? short : `./${short}`;
}
