/** What the master says over the control link, to workers and to the supervisor. src/protocol/inbound.ts has the rest. */
import { z } from 'zod';
import { generation, id, port, time } from './fields.ts';
import { JobState } from './job-state.ts';
import { Hex32, Hex64 } from './membership-proof.ts';

const Member = z.object({ id, host: z.string(), storePort: port });
export type Member = z.infer<typeof Member>;

export const Outbound = z.discriminatedUnion('type', [
  /** The first line of every link: a hello answers it. */
  z.object({ type: z.literal('challenge'), protocol: z.int(), nonce: Hex32 }),
  z.object({
    type: z.literal('welcome'),
    protocol: z.int(),
    job: id,
    heartbeatMs: z.number().positive(),
    proof: Hex64,
  }),
  z.object({
    type: z.literal('generation'),
    generation,
    /** `now`: leave what you are in at once. `boundary`: at the step boundary that all ranks agree on. */
    when: z.enum(['now', 'boundary']),
    /** In order of rank. A receiver that is not among them is a standby. */
    members: z.array(Member),
    /** Index into `members` of the one whose store to meet at. */
    storeRank: z.int().nonnegative(),
  }),
  z.object({ type: z.literal('stop'), reason: z.string() }),
  z.object({ type: z.literal('shutdown'), reason: z.string() }),
  /** With a proof where the hello had one: then the master itself says so, and trying again cannot help. */
  z.object({ type: z.literal('refused'), reason: z.string(), proof: Hex64.or(z.literal('')).default('') }),
  z.object({
    type: z.literal('fence'),
    worker: id,
    at: time,
    reason: z.string(),
    /** It hangs: its threads are to show where they stand before it is killed. */
    hangs: z.boolean().default(false),
  }),
  /** To the supervisor: these have been ready for a while; should one die now, it was not by itself. */
  z.object({ type: z.literal('healthy'), workers: z.array(id) }),
  z.object({
    type: z.literal('state'),
    state: JobState,
    reason: z.string().nullable(),
    /** How often each worker was started again, as the supervisor told before: one that was replaced goes on counting. */
    restarts: z.record(z.string(), z.int().nonnegative()).default({}),
  }),
]);
export type Outbound = z.infer<typeof Outbound>;
