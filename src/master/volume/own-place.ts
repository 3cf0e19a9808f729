/** The master's own place: a volume that nobody else mounts, with the job's secret and the journal in it. */
import { randomBytes } from 'node:crypto';
import { lstatSync, statfsSync, type Stats } from 'node:fs';
import { type KeyFolders, openKeys } from '../keys.ts';
import { MasterKeys } from '../../protocol/membership-proof.ts';
import { obstacleOf } from './look.ts';
import type { Obstacle, VolumePlace, VolumeTrouble } from '../../api/volume.ts';

export interface OwnPlace {
  readonly folder: string;
  readonly place: VolumePlace;
  readonly keys: MasterKeys;
  /** A secret was made just now: no master was here before. */
  readonly first: boolean;
  /** Why the secret, or a key that comes from it, cannot be kept. Nobody can prove membership then. */
  readonly trouble: VolumeTrouble | null;
}

export interface OwnPlaceOptions {
  readonly job: string;
  readonly folders: KeyFolders;
  /** What people call the volume that is mounted at one of those folders. */
  readonly place: (folder: string) => VolumePlace;
  readonly warn: (text: string) => void;
}

export function openOwnPlace({ job, folders, place, warn }: OwnPlaceOptions): OwnPlace {
  const own = { folder: folders.state, place: place(folders.state) };
  try {
    const { keys, made } = openKeys(folders, why =>
      warn(`the job's secret is made anew, for ${why}: all members connect again`),
    );
    return { ...own, keys, first: made, trouble: null };
  } catch (error) {
    const all = [...Object.values(folders.keys), folders.state];
    const { path = '' } = error as NodeJS.ErrnoException;
    const folder = all.find(one => path === one || path.startsWith(`${one}/`)) ?? folders.state;
    // What cannot be made there is the folder's fault.
    const obstacle = isFull(error) ? full(folder) : obstacleOf(error, () => '', statsOf(folder));
    const user = `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`;
    const trouble = { job, place: place(folder), obstacle, user };
    return { ...own, keys: new MasterKeys(randomBytes(32)), first: false, trouble };
  }
}

const isFull = (error: unknown): boolean =>
  ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '');

function full(folder: string): Obstacle {
  const { bsize, blocks, bavail } = statfsSync(folder);
  return { path: '', folder: true, problem: { kind: 'full', free: bavail * bsize, size: blocks * bsize } };
}

function statsOf(folder: string): Stats | null {
  try {
    return lstatSync(folder);
  } catch {
    return null;
  }
}
