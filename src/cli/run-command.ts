/** Runs a command of the user's beside ftc: bounded in time and in what it prints, and in a process group of its own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { StringDecoder } from 'node:string_decoder';
import { setTimeout as sleep } from 'node:timers/promises';

export interface CommandOptions {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** What it finds on stdin. */
  readonly input: string;
  readonly timeoutMs: number;
  /** Between SIGTERM and SIGKILL. */
  readonly graceMs: number;
  /** Each line that it prints, as it comes. */
  readonly onLine: (line: string) => void;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** Lines that are shown of one command, and characters of one line. */
const MOST_LINES = 200;
const LONGEST_LINE = 2000;
/** What is still on its way when a command has ended comes sooner. A process that it left behind is not waited for. */
const REST_MS = 500;

/** Words, or a text for `sh -c`. @returns what went wrong, as a sentence's end that does not repeat the command; null where nothing did */
export async function runCommand(
  command: string | readonly string[],
  o: CommandOptions,
): Promise<string | null> {
  if (o.signal.aborted) return 'was not started';
  const [file = '', ...args] = typeof command === 'string' ? ['sh', '-c', command] : command;
  let child: ChildProcess;
  try {
    child = spawn(file, args, { cwd: o.cwd, env: o.env, stdio: 'pipe', detached: true });
  } catch (error) {
    return cannotStart(error);
  }
  const printed = [child.stdout, child.stderr].map(stream => show(stream, limited(o.onLine)));
  child.stdin?.on('error', () => undefined); // it does not read
  child.stdin?.end(o.input);
  const ended = new Promise<string | null>(resolve => {
    child.once('error', error => resolve(cannotStart(error)));
    child.once('exit', (code, signal) => {
      resolve(
        code === 0
          ? null
          : signal === null
            ? `ended with exit code ${code ?? '?'}`
            : `was ended by ${signal}`,
      );
    });
  });
  const problem = await within(child, ended, o);
  await Promise.race([Promise.all(printed), sleep(REST_MS)]);
  child.stdout?.destroy();
  child.stderr?.destroy();
  return problem;
}

/** Until it has ended, of itself or because it had to. */
async function within(
  child: ChildProcess,
  ended: Promise<string | null>,
  o: CommandOptions,
): Promise<string | null> {
  const kill = (signal: NodeJS.Signals): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  };
  const exit = (): void => kill('SIGTERM');
  process.on('exit', exit);
  const enough = new AbortController();
  const late = sleep(o.timeoutMs, 'late' as const, { signal: enough.signal }).catch(() => 'late' as const);
  const asked = new Promise<'asked'>(resolve => {
    o.signal.addEventListener('abort', () => resolve('asked'), { once: true, signal: enough.signal });
  });
  try {
    const first = await Promise.race([ended.then(problem => ({ problem })), late, asked]);
    if (typeof first === 'object') return first.problem;
    kill('SIGTERM');
    await Promise.race([ended, sleep(o.graceMs)]);
    kill('SIGKILL');
    await ended;
    return first === 'asked' ? 'was ended with "ftc up"' : `was ended after ${o.timeoutMs / 1000} s`;
  } finally {
    enough.abort();
    process.off('exit', exit);
  }
}

function cannotStart(error: unknown): string {
  const { code = 'unknown' } = error as NodeJS.ErrnoException;
  return code === 'ENOENT'
    ? 'cannot be started: there is no such program or folder'
    : `cannot be started (${code})`;
}

/** Hands on the first lines, and says that there were more. */
function limited(onLine: (line: string) => void): (line: string) => void {
  let count = 0;
  return line => {
    count += 1;
    if (count <= MOST_LINES) onLine(line.slice(0, LONGEST_LINE));
    else if (count === MOST_LINES + 1) onLine('… it prints more, which is not shown');
  };
}

/** Resolves at the stream's end. */
function show(stream: NodeJS.ReadableStream | null, onLine: (line: string) => void): Promise<void> {
  if (stream === null) return Promise.resolve();
  const decoder = new StringDecoder('utf8');
  let rest = '';
  return new Promise(resolve => {
    stream.on('data', (part: Buffer) => {
      const lines = (rest + decoder.write(part)).split(/\r?\n|\r/);
      rest = (lines.pop() ?? '').slice(-LONGEST_LINE);
      for (const line of lines) onLine(line);
    });
    stream.once('error', () => resolve());
    stream.once('close', () => {
      if (rest !== '') onLine(rest);
      rest = '';
      resolve();
    });
  });
}
