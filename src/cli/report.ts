import { CommanderError } from 'commander';
import { ExitCode, FtcError } from '../errors.ts';
import { visibleLines } from '../shared/visible.ts';

/**
 * Prints an error the way its reader needs it.
 * @returns the exit code
 */
export function report(error: unknown, write: (text: string) => void): number {
  // commander has printed its own: help, the version, or what is wrong with the command line.
  if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.ok : ExitCode.usage;
  if (error instanceof FtcError) {
    write(`ftc: ${indented(error.message)}\n`);
    if (error.hint !== undefined) write(`     ${indented(error.hint)}\n`);
    return error.exitCode;
  }
  if (error instanceof Error && error.name === 'AbortError') return ExitCode.interrupted;
  const trace = error instanceof Error ? (error.stack ?? error.message) : String(error);
  write(
    `ftc: this is a defect in ftc, not in what you did; please report it.\n${visibleLines(trace).join('\n')}\n`,
  );
  return ExitCode.internal;
}

/** Only the first line begins at the left: what others wrote into an error cannot look like a word of ftc's own. */
function indented(text: string): string {
  return visibleLines(text).join('\n     ');
}
