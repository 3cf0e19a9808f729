/**
 * Which of a job's news its hooks hear of: its failure, each recovery, its success. It is read off the job's status, not off events,
 * so a master that comes back finds what it did not send. Pure.
 */
import type { HookName } from '../job/hooks.ts';
import type { Recovery, Status } from './status.ts';

/** What is known already, within one run of the job. */
export interface Seen {
  /** When the newest recovery that was noticed began; null before the first. Milliseconds since the epoch. */
  readonly recoveredAt: number | null;
  /** Its failure or success was noticed. */
  readonly ended: boolean;
}

export const nothingSeen: Seen = { recoveredAt: null, ended: false };

export type Happening =
  | { readonly hook: 'onRecovery'; readonly recovery: Recovery }
  | { readonly hook: Exclude<HookName, 'onRecovery'> };

const ends: Readonly<Record<string, 'onFailure' | 'onSuccess' | undefined>> = {
  failed: 'onFailure',
  succeeded: 'onSuccess',
};

/** What is new, in order. A loss counts when training goes on after it. A job that was stopped has neither failed nor succeeded. */
export function happenings(
  seen: Seen,
  { state, recoveries }: Pick<Status, 'state' | 'recoveries'>,
): { readonly seen: Seen; readonly found: readonly Happening[] } {
  const before = seen.recoveredAt ?? -Infinity;
  const recovered = recoveries.filter(({ resumedMs, at }) => resumedMs !== null && at > before);
  const found: Happening[] = recovered.map(recovery => ({ hook: 'onRecovery', recovery }));
  const end = seen.ended ? undefined : ends[state];
  if (end !== undefined) found.push({ hook: end });
  return {
    seen: {
      recoveredAt: recovered.reduce<number | null>((at, r) => Math.max(at ?? r.at, r.at), seen.recoveredAt),
      ended: seen.ended || end !== undefined,
    },
    found,
  };
}
