/** Why a worker counts as lost: as data, and as text for people. */
import { z } from 'zod';
import { Phase } from '../protocol/inbound.ts';

const at = { phase: Phase, step: z.int() };

export const LossCause = z.discriminatedUnion('kind', [
  /** Its process has ended, or its network. */
  z.object({ kind: z.literal('link-closed') }),
  z.object({ kind: z.literal('heartbeat-overdue') }),
  /** It said what cannot be. */
  z.object({ kind: z.literal('refused') }),
  z.object({ kind: z.literal('script-failed') }),
  /** All others waited for it. */
  z.object({ kind: z.literal('stuck'), ...at }),
  /** Nothing moved, and it was chosen. */
  z.object({ kind: z.literal('no-progress'), ...at }),
  /** `factor`: how many times longer than the others it took for a slice. */
  z.object({ kind: z.literal('slow'), factor: z.number() }),
  /** A new process of the same worker has said hello. */
  z.object({ kind: z.literal('replaced') }),
  /** It was a member before the master was started again, and did not say hello to the new one. */
  z.object({ kind: z.literal('missing') }),
]);
export type LossCause = z.infer<typeof LossCause>;

/** What losses can be counted by. */
export const LossKind = z.enum(LossCause.options.map(o => o.shape.kind.value));
export type LossKind = LossCause['kind'];

export function lossText(cause: LossCause): string {
  switch (cause.kind) {
    case 'link-closed':
      return 'link closed';
    case 'heartbeat-overdue':
      return 'heartbeat overdue';
    case 'refused':
      return 'refused';
    case 'script-failed':
      return 'script failed';
    case 'stuck':
      return `stuck in ${cause.phase} at step ${cause.step}`;
    case 'no-progress':
      return `no progress in ${cause.phase} at step ${cause.step}`;
    case 'slow':
      return `${cause.factor} times slower than the others`;
    case 'replaced':
      return 'replaced by a new process';
    case 'missing':
      return 'did not come back';
  }
}
