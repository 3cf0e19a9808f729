/** What a job's directory in the volume holds, by name. */
import { z } from 'zod';

export const MANIFEST = 'manifest.json';
/** Holds the name of the newest. */
export const LATEST = 'LATEST';
/** A name and a newline are far shorter. Bytes. */
export const MAX_LATEST_BYTES = 4096;
/** Of what was removed, until its files are gone too. */
export const GONE = '.tmp-gone-';

/** `step-00000100`. */
export const nameOf = (step: number): string => `step-${String(step).padStart(8, '0')}`;

/** The step of a directory that holds a checkpoint, and whether it was set aside; null for anything else. */
export function parseName(name: string): { readonly step: number; readonly aside: boolean } | null {
  const [, bad, own, digits, suffix] = /^(\.bad-)?(step-(\d{8,15}))(-\d+)?$/.exec(name) ?? [];
  const step = Number(digits);
  // One name a step: what nobody would write is no checkpoint.
  if (own === undefined || own !== nameOf(step)) return null;
  if (bad === undefined) return suffix === undefined ? { step, aside: false } : null;
  return { step, aside: true };
}

/** A job's name, which is its folder's in the volume: as the workers take it, and no path. */
export const JobId = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/,
    'must be letters, digits, dots, dashes and underscores, at most 128',
  );
