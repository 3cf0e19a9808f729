/** Reads the commit logs that the workers write (jobs/commits.py): which step, by whom, when, on the workers' clock. */
import { closeSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Invalid } from './invalid.ts';

export interface Commit {
  /** The file's name: one a process. */
  readonly process: string;
  /** The container's hostname. */
  readonly worker: string;
  /** Steps committed, this one included. */
  readonly step: number;
  readonly rank: number;
  readonly world: number;
  /** Under torchrun: how often its agent started its worker again. */
  readonly generation: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** How often files are read while something is waited for: the times come from the log, not from here. */
const POLL_MS = 25;

/** @throws Invalid when a line is not what jobs/commits.py writes */
export function parseCommit(file: string, line: string): Commit {
  const numbers = line.split(' ').map(Number);
  const [step, rank, world, generation, seconds] = numbers;
  if (
    numbers.length !== 5 ||
    numbers.some(Number.isNaN) ||
    step === undefined ||
    rank === undefined ||
    world === undefined ||
    generation === undefined ||
    seconds === undefined
  )
    throw new Invalid(`a line of ${file} is no commit: ${JSON.stringify(line)}`);
  const worker = file.slice(0, file.lastIndexOf('-'));
  return { process: file, worker, step, rank, world, generation, at: seconds * 1000 };
}

interface Source {
  readonly commits: Commit[];
  offset: number;
  rest: string;
}

export class CommitLog {
  readonly #folder: string;
  readonly #sources = new Map<string, Source>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Takes what was written since the last call. */
  poll(): void {
    for (const name of readdirSync(this.#folder)) {
      const source = this.#sources.get(name) ?? { commits: [], offset: 0, rest: '' };
      this.#sources.set(name, source);
      this.#read(name, source);
    }
  }

  /** Files seen: one for every process that came as far as its loop. */
  get processes(): ReadonlySet<string> {
    return new Set(this.#sources.keys());
  }

  /** All commits later than `from` and not later than `to`, by time. */
  between(from: number, to = Infinity): Commit[] {
    const found: Commit[] = [];
    for (const { commits } of this.#sources.values()) {
      for (let i = commits.length - 1; i >= 0; i -= 1) {
        const commit = commits[i];
        if (!commit || commit.at <= from) break;
        if (commit.at <= to) found.push(commit);
      }
    }
    return found.sort((a, b) => a.at - b.at);
  }

  /** The last commit of every process. */
  latest(): Commit[] {
    return [...this.#sources.values()].flatMap(({ commits }) => commits.at(-1) ?? []);
  }

  /** The first result of `test` that is not null, looked for whenever something may have been written. @throws Invalid */
  async until<T>(test: () => T | null, what: string, ms: number, signal: AbortSignal): Promise<T> {
    const deadline = performance.now() + ms;
    for (;;) {
      signal.throwIfAborted();
      this.poll();
      const found = test();
      if (found !== null) return found;
      if (performance.now() > deadline) throw new Invalid(`${what}: not within ${Math.round(ms / 1000)} s`);
      await sleep(POLL_MS, undefined, { signal });
    }
  }

  #read(name: string, source: Source): void {
    const fd = openSync(join(this.#folder, name), 'r');
    try {
      const left = fstatSync(fd).size - source.offset;
      if (left <= 0) return;
      const bytes = Buffer.alloc(left);
      source.offset += readSync(fd, bytes, 0, left, source.offset);
      const lines = (source.rest + bytes.toString('latin1')).split('\n');
      source.rest = lines.pop() ?? '';
      for (const line of lines) source.commits.push(parseCommit(name, line));
    } finally {
      closeSync(fd);
    }
  }
}
