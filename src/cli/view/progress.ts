/** One line at the foot of a terminal that says how far something is; nothing elsewhere. To stderr. */
import { createPanel } from './panel.ts';

export interface Progress {
  show(text: string): void;
  clear(): void;
}

export function createProgress(stream: NodeJS.WriteStream = process.stderr): Progress {
  if (!stream.isTTY || process.env['TERM'] === 'dumb')
    return { show: () => undefined, clear: () => undefined };
  const panel = createPanel(stream);
  let shown = false;
  return {
    show(text) {
      shown = true;
      panel.draw([text]);
    },
    clear() {
      if (shown) panel.end();
      shown = false;
    },
  };
}
