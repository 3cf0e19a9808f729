/** What the supervisor read in a worker's log: where its threads stood before it was killed, or its last lines. */
import type { Said } from '../../protocol/inbound.ts';
import type { Effect } from './events.ts';
import { history } from './effects.ts';
import type { Membership } from './state.ts';
import { nameOf, rankOf } from './state.ts';

/** SIGKILL and SIGTERM come from outside: what the worker said before is no news. */
const FROM_OUTSIDE: ReadonlySet<number | null> = new Set([137, 143]);

const FRAME = /^ {2}File "(?<file>[^"]+)", line (?<line>\d+) in (?<name>.+)$/;
/** Python's own code, what is installed, and the worker's runtime. */
const LIBRARIES = /^<|\/(?:lib\/python[\d.]+|site-packages|dist-packages)\/|^\/opt\/ftc\/ftc\//;

export function note(m: Membership, { worker, what, text }: Said): Effect[] {
  const name = nameOf(m, worker);
  const rank = rankOf(m, worker);
  const where = {
    worker,
    rank: rank === -1 ? null : rank,
    step: m.workers.get(worker)?.step ?? null,
    detail: text,
  };
  if (what === 'stack') {
    return [history('warn', { what: 'stack-read', name, at: standing(text) }, where)];
  }
  const exitCode = m.containers?.get(worker)?.exitCode ?? null;
  const level = FROM_OUTSIDE.has(exitCode) ? 'info' : 'warn';
  const last =
    text
      .split('\n')
      .findLast(line => line.trim() !== '')
      ?.trim() ?? '';
  return [history(level, { what: 'last-words', name, line: last }, where)];
}

/** Where the main thread is, which Python tells last: `at train.py:24 in train`, the innermost line of the user's own code. */
export function standing(stack: string): string {
  const threads = stack.split(/^(?=(?:Current thread|Thread) 0x)/m);
  const frames = (threads.at(-1) ?? '').split('\n').flatMap(line => {
    const { file, line: number, name } = FRAME.exec(line)?.groups ?? {};
    return file === undefined ? [] : [{ file, at: `at ${file.split('/').at(-1)}:${number} in ${name}` }];
  });
  const own = frames.find(({ file }) => !LIBRARIES.test(file));
  return (own ?? frames[0])?.at ?? 'outside of Python';
}
