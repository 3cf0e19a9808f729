/** What a chaos journal says, line by line, and what follows from it. Pure. */
import { z } from 'zod';
import { FaultRecord } from '../faults/fault.ts';

const at = z.number();
const id = z.string();

export const Entry = z.discriminatedUnion('type', [
  /** A command begins to break things. */
  z.object({ type: z.literal('begin'), run: z.string(), at, owner: z.string(), command: z.string() }),
  /** This is about to happen. */
  z.object({ type: z.literal('fault'), record: FaultRecord }),
  /** It is in force, or has happened. */
  z.object({ type: z.literal('applied'), id, at }),
  /** It did not come about. What it may have done is put right. */
  z.object({ type: z.literal('failed'), id, at, reason: z.string() }),
  /** It is put right, or nothing of it is left. */
  z.object({ type: z.literal('over'), id, at, note: z.string().nullable() }),
  z.object({ type: z.literal('end'), run: z.string(), at }),
]);
export type Entry = z.infer<typeof Entry>;

/** Lines that do not parse are skipped and counted: a crash tears the last one. */
export function parseEntries(text: string): { entries: Entry[]; skipped: number } {
  const entries: Entry[] = [];
  let skipped = 0;
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const parsed = Entry.safeParse(parseJson(line));
    if (parsed.success) entries.push(parsed.data);
    else skipped += 1;
  }
  return { entries, skipped };
}

/** Records of faults that may still be there, the newest first: that is the order to undo them in. */
export function openFaults(entries: readonly Entry[]): FaultRecord[] {
  const open = new Map<string, FaultRecord>();
  for (const entry of entries) {
    if (entry.type === 'fault') open.set(entry.record.id, entry.record);
    else if (entry.type === 'over' || entry.type === 'failed') open.delete(entry.id);
  }
  return [...open.values()].reverse();
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
