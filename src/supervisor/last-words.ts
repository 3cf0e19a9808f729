/** What a worker's log tells of its end: where its threads stood, and its last lines. Bounded, and harmless on a terminal. Pure. */
import { stripVTControlCharacters } from 'node:util';

/** How far back a log is read for the stacks of all threads, lines. */
export const STACK_LINES = 800;
export const LAST_LINES = 20;
const WIDEST = 300;
const MOST_STACK = 16_384;

/** How Python's faulthandler begins what it tells of a thread. */
const HEADER = /^(?:Current thread|Thread) 0x[0-9a-f]+.*\(most recent call first\):/;
const BODY = /^(?: {2}File "|  \.\.\.|  <|$)/;

/** The newest dump of all threads in a log; null where there is none. */
export function stackIn(log: string): string | null {
  const lines = linesOf(log);
  const last = lines.findLastIndex(line => HEADER.test(line));
  if (last === -1) return null;
  const belongs = (line: string | undefined): boolean =>
    line !== undefined && (HEADER.test(line) || BODY.test(line));
  let [from, to] = [last, last + 1];
  while (belongs(lines[from - 1])) from -= 1;
  while (belongs(lines[to])) to += 1;
  const text = lines.slice(from, to).join('\n').trim();
  // The main thread comes last.
  return text.length <= MOST_STACK ? text : `…${text.slice(-MOST_STACK)}`;
}

/** Its last lines, as many as are told of a worker that died; empty where it said nothing. */
export function lastLines(log: string): string {
  const lines = linesOf(log);
  while (lines.at(-1)?.trim() === '') lines.pop();
  return lines.slice(-LAST_LINES).join('\n');
}

/** As a person would see them: of what a progress bar wrote over and over, the last. */
function linesOf(log: string): string[] {
  return stripVTControlCharacters(log)
    .split(/\r?\n/)
    .map(line => {
      const shown = line.split('\r').findLast(state => state.trim() !== '') ?? '';
      const safe = shown.replaceAll('\t', '    ').replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, '\uFFFD');
      return safe.length <= WIDEST ? safe : `${safe.slice(0, WIDEST)}…`;
    });
}
