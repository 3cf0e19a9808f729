/** What images/chaos/ftc_chaos is told, and what of it a record keeps: from there it is read again, and nothing in it is believed. */
import { z } from 'zod';

export interface Act {
  readonly act: 'filter' | 'shape' | 'delay' | 'fill' | 'storm' | 'damage' | 'bitflip' | 'probe';
  readonly [key: string]: unknown;
}

/** A word of a command line that names no file: of tc, of iptables, or a container's name. */
const word = z.string().regex(/^[\w.:%+-]{1,128}$/);
const words = z.array(word).max(64);
const directions = z.array(z.enum(['to', 'from'])).max(2);
/** Of a queueing discipline, as `tc` shows it. */
const before = words.nullable().optional();

/** Of a network: undone beside the container that it was done to. */
export const NetworkAct = z.discriminatedUnion('act', [
  z.object({ act: z.literal('filter'), directions, match: words, peers: words.nullable(), before }),
  z.object({ act: z.literal('shape'), qdisc: words, before }),
  z.object({
    act: z.literal('delay'),
    directions,
    delay_ms: z.number(),
    jitter_ms: z.number(),
    by: z.enum(['netem', 'queue']).nullable(),
    seed: z.number(),
    before,
  }),
]);
export type NetworkAct = z.output<typeof NetworkAct>;

const step = z
  .string()
  .regex(/^\d{1,12}$/)
  .nullable();
/** A checkpoint's directory and a file in it. */
const checkpoint = z.string().regex(/^step-\d{1,15}$/);
const file = z.string().regex(/^[\w-][\w.-]{0,99}$/);

/** Of a volume: undone in the volume that the engine says is the job's. Its job is the engine's word, too. */
export const VolumeAct = z.discriminatedUnion('act', [
  z.object({ act: z.literal('fill') }),
  z.object({ act: z.literal('storm'), writers: z.int(), bytes: z.number() }),
  z.object({
    act: z.literal('damage'),
    how: z.enum(['truncate', 'flip', 'delete']),
    step,
    part: file.nullable(),
    keep: z.boolean(),
    seed: z.number(),
    checkpoint: checkpoint.optional(),
    file: file.optional(),
  }),
]);
export type VolumeAct = z.output<typeof VolumeAct>;
