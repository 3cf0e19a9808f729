/** A folder of one job on the host: its scripts, and the directory that its workers write checkpoints and commits to. */
import { chmodSync, chownSync, cpSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ownPackage } from '../src/package.ts';
import { ownPrefix } from './context.ts';

/** The images' user, where this process may give files away; otherwise this process's. */
const imageUser = 10_001;

export interface Workspace {
  readonly folder: string;
  readonly checkpoints: string;
  readonly commits: string;
  /** `uid:gid` that owns what is written. */
  readonly user: string;
  remove(): void;
}

export function workspace(): Workspace {
  const folder = mkdtempSync(join(tmpdir(), ownPrefix()));
  chmodSync(folder, 0o755); // workers read the scripts as another user
  cpSync(join(ownPackage().root, 'bench/jobs'), folder, {
    recursive: true,
    filter: path => !path.endsWith('__pycache__'),
  });
  const checkpoints = join(folder, 'checkpoints');
  const commits = join(checkpoints, 'commits');
  mkdirSync(commits, { recursive: true });
  if (process.getuid?.() === 0)
    for (const path of [checkpoints, commits]) chownSync(path, imageUser, imageUser);
  const { uid, gid } = statSync(commits);
  return {
    folder,
    checkpoints,
    commits,
    user: `${uid}:${gid}`,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
