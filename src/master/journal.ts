/**
 * The master's memory: one JSON object a line, appended and fsynced before anything that depends on it is sent. A torn
 * last line, as a crash leaves it, is ignored.
 */
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { JournalEntry } from './membership/events.ts';
import { JobState, Recovery } from './status.ts';

const Entry = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('generation'),
    generation: z.int(),
    when: z.enum(['now', 'boundary']),
    members: z.array(
      z.object({ id: z.string(), host: z.string(), storePort: z.int(), incarnation: z.string() }),
    ),
  }),
  z.object({
    type: z.literal('state'),
    state: JobState,
    reason: z.string().nullable(),
    traceback: z.string().nullable().optional(),
    finalDigest: z.string().nullable().optional(),
    metrics: z.record(z.string(), z.number()).optional(),
  }),
  z.object({ type: z.literal('wanted'), wanted: z.int() }),
  z.object({ type: z.literal('recovery'), recovery: Recovery }),
  z.object({ type: z.literal('total'), totalSteps: z.int() }),
  /** A container of the master was made: `ftc up`, as opposed to the restart of one that was there. */
  z.object({ type: z.literal('run'), container: z.string(), at: z.number() }),
]);
export type Entry = z.infer<typeof Entry>;

export class Journal {
  readonly #fd: number;

  /** Opens `<directory>/journal.jsonl` for appending, and makes the directory. Throws when it cannot be written. */
  constructor(directory: string) {
    mkdirSync(directory, { recursive: true });
    this.#fd = openSync(join(directory, 'journal.jsonl'), 'a');
    // A torn last line must not swallow the next entry.
    writeSync(this.#fd, '\n');
  }

  /** Durable when it returns. Throws as the file system does, ENOSPC for one. */
  append(entry: JournalEntry | Entry): void {
    writeSync(this.#fd, `${JSON.stringify(entry)}\n`);
    fsyncSync(this.#fd);
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/** The entries in order; lines that do not parse are skipped and counted. */
export function readJournal(directory: string): { entries: Entry[]; skipped: number } {
  let text: string;
  try {
    text = readFileSync(join(directory, 'journal.jsonl'), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { entries: [], skipped: 0 };
    throw error;
  }
  return parseJournal(text);
}

/** The entries of a journal's text. */
export function parseJournal(text: string): { entries: Entry[]; skipped: number } {
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

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
