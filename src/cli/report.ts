import { CommanderError } from 'commander';
import { ExitCode, FtcError } from '../errors.ts';

/**
 * Prints an error the way its reader needs it.
 * @returns the exit code
 */
export function report(error: unknown, write: (text: string) => void): number {
  // commander has printed its own: help, the version, or what is wrong with the command line.
  if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.ok : ExitCode.usage;
  if (error instanceof FtcError) {
    write(`ftc: ${indent(error.message)}\n`);
    if (error.hint !== undefined) write(`     ${indent(error.hint)}\n`);
    return error.exitCode;
  }
  if (error instanceof Error && error.name === 'AbortError') return ExitCode.interrupted;
  const trace = error instanceof Error ? (error.stack ?? error.message) : String(error);
  write(`ftc: this is a defect in ftc, not in what you did; please report it.\n${trace}\n`);
  return ExitCode.internal;
}

function indent(text: string): string {
  return text.replaceAll('\n', '\n     ');
}
