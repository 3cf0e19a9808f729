/** The script's traceback, as it stands between lines of ftc's own. */
import { visibleLines } from '../../shared/visible.ts';

/** An exception's message may have lines that begin as ftc's do: those are moved to the right. */
export function tracebackLines(traceback: string): string[] {
  return visibleLines(traceback.trimEnd()).map(line => line.replace(/^(?=(ftc|npx)\b)/, '  '));
}
