/** What happens to a membership, and what it asks for in return. */
import type { Inbound, Said, WorkerHello } from '../../protocol/inbound.ts';
import type { Outbound } from '../../protocol/outbound.ts';
import type { Mismatch } from '../../api/replicas.ts';
import type { JobEvent } from '../../api/event.ts';
import type { Fact } from '../../api/fact.ts';
import type { JobState } from '../../protocol/job-state.ts';
import type { Recovery } from '../../api/status.ts';
import type { Generation } from './state.ts';

/** Messages of an established link, after its hello. */
export type WorkerMessage = Exclude<Inbound, { type: 'hello' } | { type: 'containers' } | { type: 'said' }>;

export type MembershipEvent =
  | { readonly type: 'hello'; readonly hello: WorkerHello }
  | {
      readonly type: 'message';
      readonly id: string;
      readonly incarnation: string;
      readonly message: WorkerMessage;
    }
  | { readonly type: 'closed'; readonly id: string; readonly incarnation: string }
  | { readonly type: 'containers'; readonly workers: Extract<Inbound, { type: 'containers' }>['workers'] }
  | { readonly type: 'said'; readonly said: Said }
  | { readonly type: 'tick' }
  /** Nobody starts from nothing while there is a `reason`: the state is on its way. */
  | { readonly type: 'hold'; readonly reason: string | null }
  /** The job cannot go on, whoever trains. */
  | { readonly type: 'abandon'; readonly reason: string }
  | { readonly type: 'stop'; readonly reason: string };

/** What must survive the master. */
export type JournalEntry =
  | ({ readonly type: 'generation' } & Generation)
  | {
      readonly type: 'state';
      readonly state: JobState;
      readonly reason: string | null;
      readonly traceback?: string | null;
      readonly finalDigest?: string | null;
      readonly metrics?: Record<string, number>;
      readonly checks?: number;
      readonly checkedStep?: number | null;
      readonly skipped?: number;
    }
  | { readonly type: 'wanted'; readonly wanted: number }
  | { readonly type: 'recovery'; readonly recovery: Recovery }
  | { readonly type: 'total'; readonly totalSteps: number; readonly finished?: string | null }
  | { readonly type: 'diverged'; readonly mismatch: Mismatch }
  /** A process counts its checks from here on. */
  | { readonly type: 'checks'; readonly incarnation: string; readonly before: number };

/** A line of history before it has a number. Its text is made last. */
export interface HistoryEntry extends Pick<JobEvent, 'level' | 'worker' | 'rank' | 'step' | 'detail'> {
  readonly fact: Fact;
}

export type Effect =
  | { readonly type: 'send'; readonly to: string; readonly message: Outbound }
  /** Ask whatever runs the containers to kill this worker if it is still the one that ran at `at`. */
  | {
      readonly type: 'fence';
      readonly worker: string;
      readonly at: number;
      readonly reason: string;
      /** It may hang: where its threads stand is worth knowing. */
      readonly hangs: boolean;
    }
  /** These workers have been ready for a while. */
  | { readonly type: 'healthy'; readonly workers: readonly string[] }
  /** Close the worker's link: it is lost, and has to say hello again should it wake up. */
  | { readonly type: 'drop'; readonly id: string }
  /** Must be durable before any `send` that follows it. */
  | { readonly type: 'journal'; readonly entry: JournalEntry }
  | { readonly type: 'history'; readonly entry: HistoryEntry }
  /** The job's state changed: the supervisor wants to know. */
  | { readonly type: 'state'; readonly state: JobState; readonly reason: string | null };
