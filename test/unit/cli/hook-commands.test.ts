import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HookCommands, queued, variablesOf } from '../../../src/cli/hook-commands.ts';
import { runCommand } from '../../../src/cli/run-command.ts';
import { type Hook, noHooks, type Hooks } from '../../../src/job/hooks.ts';
import { payloadOf } from '../../../src/api/hook-payload.ts';
import type { Status } from '../../../src/api/status.ts';
import { recovery, status } from '../master/hooks/seen.ts';

let folder: string;
beforeEach(() => (folder = realpathSync(mkdtempSync(join(tmpdir(), 'ftctest-command-')))));
afterEach(() => rmSync(folder, { recursive: true }));

const command = (given: string | readonly string[]): Hook => ({ kind: 'command', command: given });
const read = (name: string): string => readFileSync(join(folder, name), 'utf8');

async function start(
  text: string | readonly string[],
  more: { timeoutMs?: number; signal?: AbortSignal } = {},
) {
  const lines: string[] = [];
  const begun = performance.now();
  const problem = await runCommand(text, {
    cwd: folder,
    env: { PATH: process.env['PATH'], WHO: 'me; touch no' },
    input: '{"a": 1}\n',
    timeoutMs: 30_000,
    graceMs: 200,
    signal: new AbortController().signal,
    onLine: line => lines.push(line),
    ...more,
  });
  return { problem, lines, ms: performance.now() - begun };
}

describe('a command', () => {
  it('gets its stdin, its environment and its folder, and what it prints is shown', async () => {
    const { problem, lines } = await start('cat; pwd; echo "$WHO"; echo no >&2; printf end');
    expect(problem).toBeNull();
    expect(lines.sort()).toEqual(['end', 'me; touch no', 'no', '{"a": 1}', folder].sort());
  });

  it('is no shell’s business where it is a list of words', async () => {
    const { lines } = await start(['printf', '%s|', '$WHO; touch no', '`id`']);
    expect(lines).toEqual(['$WHO; touch no|`id`|']);
    expect(existsSync(join(folder, 'no'))).toBe(false);
  });

  it.each<[string | readonly string[], string]>([
    ['exit 3', 'ended with exit code 3'],
    ['kill -KILL $$', 'was ended by SIGKILL'],
    [['no-such-program'], 'cannot be started: there is no such program or folder'],
    [['./'], 'cannot be started (EACCES)'],
  ])('says what went wrong: %s', async (text, expected) => {
    expect((await start(text)).problem).toBe(expected);
  });

  it('is ended with all that it started, also where it does not want to', async () => {
    const { problem, lines, ms } = await start(
      'trap "" TERM; (trap "" TERM; sleep 60; touch late) & echo $!; sleep 60',
      {
        timeoutMs: 300,
      },
    );
    expect(problem).toBe('was ended after 0.3 s');
    expect(ms).toBeLessThan(10_000);
    const [child] = lines;
    // Gone, or dead and not yet taken note of.
    const state = existsSync(`/proc/${child}/stat`)
      ? readFileSync(`/proc/${child}/stat`, 'utf8').split(') ')[1]?.[0]
      : 'Z';
    expect(['Z', 'X']).toContain(state);
  });

  it('is not waited for where it leaves somebody behind', async () => {
    const { problem, ms } = await start('sleep 30 & echo $! > pid');
    process.kill(Number(read('pid')));
    expect(problem).toBeNull();
    expect(ms).toBeLessThan(10_000);
  });

  it('shows a part of what it prints, if that is much', async () => {
    const { problem, lines } = await start("seq 100000; head -c 100000 /dev/zero | tr '\\0' x");
    expect(problem).toBeNull();
    expect(lines).toHaveLength(201);
    expect(lines.at(-1)).toContain('which is not shown');
    const wide = await start("head -c 100000 /dev/zero | tr '\\0' x");
    expect(wide.lines.map(line => line.length)).toEqual([2000]);
  });

  it('that reads nothing and is told much does no harm', async () => {
    expect((await start('exec <&-; sleep 0.1')).problem).toBeNull();
  });
});

describe('commands that hear of a job', () => {
  const commands = (hooks: Partial<Hooks>): { lines: string[]; hooks: HookCommands } => {
    const lines: string[] = [];
    const made = new HookCommands({
      hooks: { ...noHooks, ...hooks },
      folder,
      run: () => Promise.resolve('a1'),
      env: { PATH: process.env['PATH'] },
      graceMs: 200,
    });
    made.printTo(line => lines.push(line));
    return { lines, hooks: made };
  };
  const look = (to: HookCommands, s: Status): void => to.look({ status: s, events: [] });

  it('hear once of each thing, in order, as JSON and as variables', async () => {
    const tell = (name: string): Hook => command(`cat >> ${name}; echo "$FTC_HOOK $FTC_HOOK_STEP" >> order`);
    const { hooks, lines } = commands({ onRecovery: [tell('recovery')], onSuccess: [tell('success')] });
    look(hooks, status());
    look(hooks, status({ recoveries: [recovery(100)] }));
    look(hooks, status({ recoveries: [recovery(100)] }));
    await hooks.idle();
    look(hooks, status({ state: 'succeeded', recoveries: [recovery(100)] }));
    look(hooks, status({ state: 'succeeded', recoveries: [recovery(100)] }));
    await hooks.idle();
    expect(read('order')).toBe('onRecovery 121\nonSuccess 120\n');
    const about = { run: 'a1', event: null, at: 0 };
    // The URLs of the same job hear of it under the same id.
    const { id } = payloadOf({ hook: 'onRecovery', recovery: recovery(100) }, status(), about);
    expect(JSON.parse(read('recovery'))).toMatchObject({ id, hook: 'onRecovery' });
    expect(lines).toEqual([]);
  });

  it('are only warned of when they fail, and their output cannot pass for ftc’s', async () => {
    const { hooks, lines } = commands({
      onFailure: [command('echo hi; exit 7'), command(['no-such-program'])],
    });
    look(hooks, status({ state: 'failed', reason: 'no' }));
    await hooks.idle();
    expect(lines).toEqual([
      '  hooks.onFailure: hi',
      '! the command of hooks.onFailure ended with exit code 7',
      '! the command of hooks.onFailure cannot be started: there is no such program or folder',
    ]);
  });

  it('hear of no more after Ctrl+C, and what runs is ended with the command', async () => {
    const { hooks, lines } = commands({
      onRecovery: [command('echo started; sleep 60')],
      onFailure: [command('touch no')],
    });
    const started = new Promise<void>(resolve => hooks.printTo(line => (lines.push(line), resolve())));
    look(hooks, status({ recoveries: [recovery(100)] }));
    await started;
    hooks.stop();
    look(hooks, status({ state: 'failed', recoveries: [recovery(100)] }));
    await hooks.end();
    expect(lines.at(-1)).toBe('! the command of hooks.onRecovery was ended with "ftc up"');
    expect(existsSync(join(folder, 'no'))).toBe(false);
  });

  it('hear of recoveries that come meanwhile together', () => {
    const about = { run: 'a1', event: null, at: 0 };
    const one = (at: number) => payloadOf({ hook: 'onRecovery', recovery: recovery(at) }, status(), about);
    const end = payloadOf({ hook: 'onSuccess' }, status(), about);
    const waiting = [one(1), one(2), end, one(3)].reduce<ReturnType<typeof one>[]>(queued, []);
    expect(waiting.map(({ hook, count }) => [hook, count])).toEqual([
      ['onRecovery', 3],
      ['onSuccess', 1],
    ]);
  });

  it('get variables that hold whatever a script said', () => {
    const s = status({ state: 'failed', reason: 'a\0b\n$(id)', step: null });
    const payload = payloadOf({ hook: 'onFailure' }, s, { run: 'a1', event: null, at: 0 });
    expect(variablesOf(payload)).toMatchObject({ FTC_HOOK_REASON: 'a b\n$(id)', FTC_HOOK_STEP: '' });
  });
});
