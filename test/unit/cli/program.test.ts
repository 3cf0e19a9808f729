import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CommanderError, type Command } from 'commander';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { faults } from '../../../chaos/faults/index.ts';
import { createProgram } from '../../../src/cli/program.ts';
import { ownPackage } from '../../../src/package.ts';

const isFault = (name: string): boolean => faults.some(f => `chaos-${f.name}` === name);

let printed: string;
beforeEach(() => (printed = ''));
afterEach(() => vi.restoreAllMocks());

async function ftc(...args: string[]): Promise<CommanderError> {
  const program = createProgram();
  const write = (text: string) => (printed += text);
  const quiet = (command: Command): void => {
    command.configureOutput({ writeOut: write, writeErr: write });
    command.commands.forEach(quiet);
  };
  quiet(program);
  const error: unknown = await program.parseAsync(args, { from: 'user' }).then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(CommanderError);
  return error as CommanderError;
}

describe('the command line', () => {
  it('shows help with examples', async () => {
    expect(await ftc('--help')).toMatchObject({ exitCode: 0 });
    expect(printed).toContain('ftc up --scale worker=3');
    expect(printed).toContain('chaos');
  });

  it('shows its version', async () => {
    expect(await ftc('--version')).toMatchObject({ exitCode: 0 });
    expect(printed).toBe(`${ownPackage().version}\n`);
  });

  it.each([
    [['uup'], "ftc: unknown command 'uup'\n(Did you mean up?)"],
    [['up', '--standby', '1'], "ftc: unknown option '--standby'\n(Did you mean --standbys?)"],
    [['up', '--seed'], "ftc: option '--seed <n>' argument missing"],
    [['up', 'extra'], 'ftc: too many arguments'],
    [['scale'], "ftc: missing required argument 'service=n'"],
    [['checkpoints', 'verfy'], "ftc: unknown command 'verfy'\n(Did you mean verify?)"],
    [['checkpoints', 'list', 'verify'], "ftc: too many arguments for 'list'"],
    [['checkpoints', 'export', 'latest'], "ftc: missing required argument 'file'"],
    [['metrics', '--last'], "ftc: option '--last <n>' argument missing"],
    [['chaos', 'kil'], "ftc: unknown command 'kil'\n(Did you mean kill?)"],
  ])('says what is wrong with %j', async (args, message) => {
    await ftc(...args);
    expect(printed).toContain(message);
  });

  it('has a file for every command, and a command for every file', () => {
    const names = (command: Command, prefix = ''): string[] =>
      command.commands.flatMap(child =>
        child.commands.length > 0 ? names(child, `${prefix}${child.name()}-`) : [prefix + child.name()],
      );
    // All faults share one.
    const fileOf = (name: string): string => (isFault(name) ? 'chaos-fault' : name);
    const folder = join(import.meta.dirname, '../../../src/cli');
    const files = readdirSync(folder)
      .filter(name => name.endsWith('.ts'))
      .filter(name => /^export (async )?function run\(/m.test(readFileSync(join(folder, name), 'utf8')))
      .map(name => name.replace('.ts', ''));
    expect([...new Set(names(createProgram()).map(fileOf))].sort()).toEqual(files.sort());
  });
});
