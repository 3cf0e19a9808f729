/**
 * Reads `metrics.jsonl`, a little at a time, while workers append to it. Each step comes once: for a moment two workers may have
 * written, and only steps above the one before count.
 */
import type { FileHandle } from 'node:fs/promises';
import { parseLine, type StepLine } from '../api/step-line.ts';
import { openPlain } from '../shared/plain-file.ts';

/** How much is read at a time. Bytes. */
const CHUNK = 256 * 1024;
/** What is longer holds no line: two of a mebibyte at most, which the worker does not exceed. Bytes. */
const LONGEST = 4 << 20;
/** Steps grow with the file, but where two workers wrote at once. Looking begins so much earlier. Bytes. */
const MARGIN = 64 * 1024;
const NEWLINE = 10;

/** The lines of steps above `after`, some at a time. None where there is no file. What is no whole line yet comes another time. */
export async function* readSteps(path: string, after: number): AsyncGenerator<StepLine[]> {
  const file = await openIt(path);
  if (file === null) return;
  try {
    const { size } = await file.stat();
    const start = after < 0 ? 0 : await seek(file, size, after);
    let last = after;
    for await (const lines of wholeLines(file, start, size)) {
      const found = [];
      for (const text of lines) {
        const line = parseLine(text);
        if (line === null || line.step <= last) continue;
        last = line.step;
        found.push(line);
      }
      if (found.length > 0) yield found;
    }
  } finally {
    await file.close();
  }
}

/** The last line that is whole; null where there is none, or none near the end. */
export async function lastStep(path: string): Promise<StepLine | null> {
  const file = await openIt(path);
  if (file === null) return null;
  try {
    const { size } = await file.stat();
    for (let reach = MARGIN; ; reach *= 8) {
      const start = Math.max(0, size - reach);
      let last: StepLine | null = null;
      for await (const lines of wholeLines(file, start, size)) {
        for (let at = lines.length - 1, found = null; at >= 0 && found === null; at -= 1) {
          found = parseLine(lines[at] ?? '');
          last = found ?? last;
        }
      }
      if (last !== null || start === 0 || reach > LONGEST) return last;
    }
  } finally {
    await file.close();
  }
}

function openIt(path: string): Promise<FileHandle | null> {
  return openPlain(path).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  });
}

/** Where to begin: no line of a step above `after` begins before. */
async function seek(file: FileHandle, size: number, after: number): Promise<number> {
  let [low, high] = [0, size];
  while (high - low > CHUNK) {
    const middle = low + Math.floor((high - low) / 2);
    const step = await stepBehind(file, middle, high);
    if (step === null) break;
    if (step <= after) low = middle;
    else high = middle;
  }
  return Math.max(0, low - MARGIN);
}

/** The step of the first whole line that begins behind `start`; null where the next chunk has none. */
async function stepBehind(file: FileHandle, start: number, end: number): Promise<number | null> {
  for await (const lines of wholeLines(file, start, Math.min(end, start + CHUNK))) {
    for (const text of lines) {
      const line = parseLine(text);
      if (line !== null) return line.step;
    }
  }
  return null;
}

/** Those that begin behind `start`, or at it where that is 0, and end before `end`. A longer one than any of ours is dropped. */
async function* wholeLines(file: FileHandle, start: number, end: number): AsyncGenerator<string[]> {
  const buffer = Buffer.allocUnsafe(CHUNK);
  let rest: Buffer[] = [];
  let length = 0;
  let dropping = start > 0;
  for (let at = start; at < end;) {
    const { bytesRead } = await file.read(buffer, 0, Math.min(CHUNK, end - at), at);
    if (bytesRead === 0) return;
    at += bytesRead;
    const lines = [];
    let from = 0;
    for (let to = buffer.indexOf(NEWLINE); to !== -1 && to < bytesRead; to = buffer.indexOf(NEWLINE, from)) {
      if (!dropping) lines.push(Buffer.concat([...rest, buffer.subarray(from, to)]).toString('utf8'));
      [rest, length, dropping, from] = [[], 0, false, to + 1];
    }
    length += bytesRead - from;
    if (length > LONGEST) [rest, dropping] = [[], true];
    if (!dropping) rest.push(Buffer.from(buffer.subarray(from, bytesRead)));
    if (lines.length > 0) yield lines;
  }
}
