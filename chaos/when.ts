/** `--when`: a step, or something that the job is doing. Pure. */
import { FtcError } from '../src/errors.ts';
import { closest } from '../src/job/closest.ts';
import type { Status } from '../src/api/status.ts';
import { Phase } from '../src/protocol/inbound.ts';

export type When = { readonly step: number } | { readonly phase: Phase };

/** What a look at the job shows. */
export interface Look {
  readonly status: Status;
  /** A checkpoint is being written at this moment. */
  readonly writing: boolean;
}

/** @throws FtcError FTC_USAGE */
export function parseWhen(text: string): When {
  const [, key, value = ''] = /^(step|phase)=(\w+)$/.exec(text) ?? [];
  if (key === 'step' && /^\d+$/.test(value)) return { step: Number(value) };
  const phase = Phase.safeParse(value);
  if (key === 'phase' && phase.success) return { phase: phase.data };
  const near = key === 'phase' ? closest(value, Phase.options) : null;
  const forms = `Write step=100, or phase= and one of ${Phase.options.join(', ')}.`;
  throw new FtcError('FTC_USAGE', `--when is "${text}"`, {
    hint: near === null ? forms : `Did you mean "phase=${near}"? ${forms}`,
  });
}

/** A phase has come about between two looks: once each time, and at the first look only if it is so then. A step stays reached. */
export function isMet(when: When, before: Look | null, now: Look): boolean {
  if ('step' in when) return (now.status.step ?? -1) >= when.step;
  if (when.phase === 'regroup' && before && now.status.generation > before.status.generation) return true;
  return isIn(when.phase, now) && !(before && isIn(when.phase, before));
}

/** Phases come with heartbeats, and some are over before the next one: those show in other ways, too. */
function isIn(phase: Phase, { status, writing }: Look): boolean {
  if (status.workers.some(w => w.phase === phase)) return true;
  if (phase === 'checkpoint') return writing;
  if (phase !== 'regroup') return false;
  const last = status.recoveries.at(-1);
  return last !== undefined && last.resumedMs === null;
}
