/**
 * The master's memory: one JSON object a line, appended and fsynced before anything that depends on it is sent. A torn
 * last line, as a crash leaves it, is ignored.
 */
import { closeSync, constants, fsyncSync, mkdirSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { openPlainSync, readPlainSync } from '../shared/plain-file.ts';
import type { JournalEntry } from './membership/events.ts';
import { poisonIn } from './poison.ts';
import { Mismatch } from '../api/replicas.ts';
import { JobState } from '../protocol/job-state.ts';
import { Recovery } from '../api/status.ts';

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
    checks: z.int().optional(),
    checkedStep: z.int().nullable().optional(),
    skipped: z.int().optional(),
  }),
  z.object({ type: z.literal('wanted'), wanted: z.int() }),
  z.object({ type: z.literal('recovery'), recovery: Recovery }),
  z.object({ type: z.literal('total'), totalSteps: z.int(), finished: z.string().nullable().optional() }),
  z.object({ type: z.literal('diverged'), mismatch: Mismatch }),
  z.object({ type: z.literal('checks'), incarnation: z.string(), before: z.int() }),
  /** A container of the master was made: `ftc up`, as opposed to the restart of one that was there. */
  z.object({ type: z.literal('run'), container: z.string(), at: z.number() }),
]);
export type Entry = z.infer<typeof Entry>;

const FILE = 'journal.jsonl';
/** More than a job of years writes; memory for it is there. Bytes. */
export const MAX_JOURNAL_BYTES = 64 << 20;
const { O_WRONLY, O_APPEND, O_CREAT } = constants;

/** @param folder the master's own */
export const journalFile = (folder: string): string => join(folder, FILE);

export class Journal {
  readonly #path: string;
  #fd: number | null = null;
  /** What is not in the file yet, in order. */
  #waiting: string[] = [];

  /** Of `<directory>/journal.jsonl`. File and directory are made when something is written. */
  constructor(directory: string) {
    this.#path = join(directory, FILE);
  }

  /** How many entries wait for room on the disk. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /**
   * Durable when it returns. Throws as the file system does, ENOSPC for one; the entry then waits for the next append or
   * {@link flush}.
   */
  append(entry: JournalEntry | Entry): void {
    this.#waiting.push(`${JSON.stringify(entry)}\n`);
    this.flush();
  }

  /** Writes what waits. Throws as {@link append} does. */
  flush(): void {
    try {
      this.#fd ??= this.#open();
      if (this.#waiting.length === 0) return;
      writeAll(this.#fd, Buffer.from(this.#waiting.join('')));
      fsyncSync(this.#fd);
      this.#waiting = [];
    } catch (error) {
      // What was written of it is torn; the next try begins on a line of its own, and a line that is there twice does no harm.
      this.close();
      throw error;
    }
  }

  close(): void {
    if (this.#fd !== null) closeSync(this.#fd);
    this.#fd = null;
  }

  #open(): number {
    mkdirSync(dirname(this.#path), { recursive: true });
    const fd = openPlainSync(this.#path, O_WRONLY | O_APPEND | O_CREAT, 0o644);
    try {
      // A torn last line must not swallow the next entry.
      writeAll(fd, Buffer.from('\n'));
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    return fd;
  }
}

/** A disk that fills up takes a part, and says so only to the next write. */
function writeAll(fd: number, data: Buffer): void {
  for (let at = 0; at < data.length;) at += writeSync(fd, data, at);
}

export interface ReadJournal {
  readonly entries: Entry[];
  readonly skipped: number;
  /** The first number that no job reaches, and where it stands. */
  readonly poisoned: string | undefined;
}

/** The entries in order; lines that do not parse are skipped and counted. @throws as {@link readPlainSync} does */
export function readJournal(directory: string): ReadJournal {
  let text: string;
  try {
    text = readPlainSync(join(directory, FILE), MAX_JOURNAL_BYTES).toString('utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      return { entries: [], skipped: 0, poisoned: undefined };
    throw error;
  }
  return parseJournal(text);
}

/** The entries of a journal's text. */
export function parseJournal(text: string): ReadJournal {
  const entries: Entry[] = [];
  let skipped = 0;
  let poisoned: string | undefined;
  for (const [i, line] of text.split('\n').entries()) {
    if (line === '') continue;
    const json = parseJson(line);
    const poison = poisonIn(json);
    if (poison !== null) poisoned ??= `${poison} in line ${i + 1}`;
    const parsed = Entry.safeParse(json);
    if (parsed.success) entries.push(parsed.data);
    else skipped += 1;
  }
  return { entries, skipped, poisoned };
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
