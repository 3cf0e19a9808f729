/** Lines at the foot of a terminal that are drawn again and again, and lines above them that stay. */
import { createLogUpdate } from 'log-update';
import { printLines, shown } from '../print.ts';

export interface Panel {
  draw(lines: readonly string[]): void;
  /** Writes a line that stays. What was drawn is gone until it is drawn again. */
  say(line: string): void;
  /** Takes away what was drawn; the cursor is a person's again. */
  end(): void;
}

export function createPanel(stream: NodeJS.WriteStream): Panel {
  const update = createLogUpdate(stream);
  let height = 0;
  return {
    draw(lines) {
      // log-update redraws what has changed, and leaves remains of a panel that was higher or lower.
      if (lines.length !== height) update.clear();
      height = lines.length;
      update(lines.map(shown).join('\n'));
    },
    say(line) {
      update.clear();
      printLines(stream, [line]);
    },
    end() {
      update.clear();
      update.done();
    },
  };
}
