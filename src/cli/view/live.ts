/** Shows a job as it goes: a panel that is redrawn on a terminal, plain lines elsewhere. Everything goes to stderr. */
import type { Moment } from '../../client/follow.ts';
import type { Status } from '../../api/status.ts';
import { clock, paint } from './format.ts';
import { eventLine, headline, isNews, progress, workerTable } from './job.ts';
import { createPanel } from './panel.ts';
import { s3Line } from './s3.ts';
import { printLines } from '../print.ts';

export interface View {
  show(moment: Moment): void;
  say(line: string): void;
  /** Leaves what stands on the screen and shows no more. */
  end(): void;
}

export function createView(stream: NodeJS.WriteStream = process.stderr): View {
  return stream.isTTY && process.env['TERM'] !== 'dumb' ? panel(stream) : lines(stream);
}

function panel(stream: NodeJS.WriteStream): View {
  const foot = createPanel(stream);
  let last: Status | null = null;
  let silent = false;
  const draw = (): void => {
    if (!last) return;
    const note = silent ? [paint('yellow', 'the master does not answer; training continues without it')] : [];
    const copies = s3Line(last.s3, Date.now());
    foot.draw([
      '',
      ...headline(last),
      ...(copies === null ? [] : [copies]),
      ...note,
      '',
      ...workerTable(last),
      '',
    ]);
  };
  return {
    show({ status, events }) {
      for (const event of events.filter(isNews)) foot.say(eventLine(event));
      silent = status === null;
      last = status ?? last;
      draw();
    },
    say(line) {
      foot.say(line);
      draw();
    },
    end() {
      foot.end();
      last = null;
    },
  };
}

/** A line for every event, and one of progress every tenth of the way or every ten seconds, whichever is later. */
function lines(stream: NodeJS.WriteStream): View {
  let toldAt = 0;
  let tenth = -1;
  let known = false;
  let silent = false;
  return {
    show({ status, events }) {
      printLines(stream, events.filter(isNews).map(eventLine));
      if ((status === null) !== silent && (silent || known)) {
        silent = status === null;
        printLines(stream, [
          `${clock(Date.now())} ${silent ? '! the master does not answer' : '  the master answers again'}`,
        ]);
      }
      known ||= status !== null;
      if (!status?.step || status.state !== 'running') return;
      const now = Math.floor((10 * status.step) / (status.totalSteps ?? Infinity));
      if (now === tenth || Date.now() - toldAt < 2000) return;
      tenth = now;
      toldAt = Date.now();
      printLines(stream, [`${clock(toldAt)}   ${progress(status)}`]);
    },
    say: line => void printLines(stream, [line]),
    end: () => undefined,
  };
}
