import type { Command } from 'commander';

/** What a command's file exports. A number that it returns is its exit code. */
export interface CommandModule {
  readonly run: (options: never, ...args: never[]) => Promise<unknown>;
}

/** An action that loads its command when it is called, so that `ftc --help` loads none. */
export function lazy(load: () => Promise<CommandModule>) {
  return async (...given: unknown[]): Promise<void> => {
    // commander's last two arguments are the options and the command itself.
    const command = given.at(-1) as Command;
    const { run } = await load();
    const code = await run(command.opts<never>(), ...(given.slice(0, -2) as never[]));
    if (typeof code === 'number') process.exitCode = code;
  };
}
