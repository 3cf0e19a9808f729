/** What a scenario is: something that is claimed of a job, and what is done to it meanwhile. */
import type { Hypotheses } from '../hypotheses/index.ts';
import type { JobFile } from '../../src/job/schema.ts';
import type { MethodEntry } from './method.ts';

/** What puts the job in order again, when the method is through. */
export type Rollback =
  /** Undoes what is still in force. */
  | { readonly kind: 'heal' }
  /** Starts the containers of this role that are down. */
  | { readonly kind: 'start'; readonly role: 'master' | 'supervisor' | 'worker' }
  | { readonly kind: 'scale'; readonly workers: number };

export interface Scenario {
  /** Its file's name, without the ending. */
  readonly name: string;
  /** Absolute; null for one that was made up. */
  readonly file: string | null;
  readonly title: string;
  readonly description: string;
  /** What the job has other than it would. */
  readonly job: JobFile;
  readonly hypothesis: Hypotheses;
  readonly method: readonly MethodEntry[];
  readonly rollbacks: readonly Rollback[];
  /** Faults that are in force at one time, at most. */
  readonly atOnce: number;
  /** From one fault to the next, milliseconds, at least. */
  readonly minInterval: number;
  /** What is drawn where the command line says nothing; null for a new one each time. */
  readonly seed: number | null;
}

export function describeRollback(rollback: Rollback): string {
  if (rollback.kind === 'heal') return 'undo what is still in force';
  if (rollback.kind === 'scale') return `scale to ${rollback.workers}`;
  return rollback.role === 'worker' ? 'start the workers' : `start the ${rollback.role}`;
}
