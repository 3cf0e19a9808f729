/** What a hook is told: the same JSON for a URL and for a command. docs/hooks.md explains each field. Pure. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { hookNames } from '../job/hooks.ts';
import { cut } from '../protocol/bounds.ts';
import { duration } from '../shared/duration.ts';
import type { Recovery, Status } from './status.ts';
import type { Happening } from './happenings.ts';

/** Bytes. */
const LONGEST = { reason: 2048, cause: 512, metric: 128 };
const MOST_METRICS = 64;
const MOST_RANKS = 64;

export const Payload = z.object({
  /** The same each time the same thing is told. */
  id: z.string().max(64),
  hook: z.enum(hookNames),
  kind: z.enum(['failure', 'recovery', 'success']),
  /** A sentence for people. */
  text: z.string().max(8192),
  job: z.string().max(128),
  state: z.string().max(32),
  reason: z.string().max(4096).nullable(),
  step: z.number().nullable(),
  totalSteps: z.number().nullable(),
  generation: z.number(),
  /** When it was noticed, ISO 8601. */
  time: z.string().max(40),
  /** Number of the event among the job's events; null where the master that wrote it is gone. */
  event: z.number().nullable(),
  /** So many things are told at once: recoveries in quick succession. */
  count: z.number().int().positive(),
  /** Of the newest one. */
  recovery: z
    .object({
      cause: z.string().max(2048),
      lostRanks: z.array(z.number()).max(MOST_RANKS),
      atStep: z.number(),
      resumedStep: z.number().nullable(),
      stepsLost: z.number().nullable(),
      resumedMs: z.number().nullable(),
    })
    .nullable(),
  digest: z.string().max(128).nullable(),
  metrics: z.record(z.string().max(256), z.number()),
});
export type Payload = z.infer<typeof Payload>;

const kinds = { onFailure: 'failure', onRecovery: 'recovery', onSuccess: 'success' } as const;

/** What is not in the status. */
export interface Circumstances {
  /** Tells runs of a job apart: the hostname of the master's container. */
  readonly run: string;
  readonly event: number | null;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export function payloadOf(happening: Happening, s: Status, { run, event, at }: Circumstances): Payload {
  const { hook } = happening;
  const recovery = 'recovery' in happening ? happening.recovery : null;
  const reason = s.reason === null ? null : cut(s.reason, LONGEST.reason);
  const step = recovery?.resumedStep ?? s.step;
  return {
    id: idOf(s.job, run, hook, recovery?.at ?? null),
    hook,
    kind: kinds[hook],
    text: sentence(s, hook, recovery, reason),
    job: s.job,
    state: s.state,
    reason,
    step,
    totalSteps: s.totalSteps,
    generation: recovery === null ? s.generation : Math.max(recovery.generation, s.generation),
    time: new Date(at).toISOString(),
    event,
    count: 1,
    recovery: recovery && {
      cause: cut(recovery.cause, LONGEST.cause),
      lostRanks: recovery.lostRanks.slice(0, MOST_RANKS),
      atStep: recovery.atStep,
      resumedStep: recovery.resumedStep,
      stepsLost: recovery.stepsLost,
      resumedMs: recovery.resumedMs,
    },
    digest: s.finalDigest,
    metrics: Object.fromEntries(
      Object.entries(s.metrics)
        .slice(0, MOST_METRICS)
        .map(([name, value]) => [cut(name, LONGEST.metric), value]),
    ),
  };
}

/** Two as one: the newer one, and how many there were. */
export const together = (older: Payload, newer: Payload): Payload => {
  const count = older.count + newer.count;
  return { ...newer, count, text: `${newer.text.replace(/ \(\d+ recoveries\)$/, '')} (${count} recoveries)` };
};

/** A master that comes back says the same. */
function idOf(job: string, run: string, hook: string, at: number | null): string {
  return createHash('sha256')
    .update(JSON.stringify([job, run, hook, at]))
    .digest('hex')
    .slice(0, 32);
}

function sentence(
  s: Status,
  hook: Payload['hook'],
  recovery: Recovery | null,
  reason: string | null,
): string {
  const at = s.step === null ? '' : ` at step ${s.step}`;
  if (hook === 'onSuccess') return `${s.job} succeeded${at}`;
  if (hook === 'onFailure') return `${s.job} failed${at}: ${reason ?? 'no reason is known'}`;
  const where = recovery?.resumedStep == null ? '' : ` at step ${recovery.resumedStep}`;
  const ranks = recovery?.lostRanks.slice(0, 8).join(', ') ?? '';
  const lost = ranks === '' ? 'a loss' : `the loss of rank ${ranks}`;
  const after = recovery?.resumedMs == null ? 'after' : `${duration(recovery.resumedMs)} after`;
  return `${s.job}: training resumed${where}, ${after} ${lost}`;
}
