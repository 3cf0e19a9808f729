/** Shows a verification as it goes: a bar for each run on a terminal, a line for each thing that happens elsewhere. To stderr. */
import type { Status } from '../../api/status.ts';
import { duration } from '../../shared/duration.ts';
import type { Applied } from '../../verify/applied.ts';
import type { RunRecord } from '../../verify/run.ts';
import type { RunShape } from '../../verify/verdict.ts';
import type { VerifyWatcher } from '../../verify/verify.ts';
import { paint } from './format.ts';
import { createPanel } from './panel.ts';
import { faultLine, shapeName } from './verify.ts';
import { printLines } from '../print.ts';

type Shape = Omit<RunShape, 'project'>;

export interface VerifyView extends VerifyWatcher {
  /** Takes the bars away; the result says it all. */
  close(interrupted: boolean): void;
}

interface Line {
  state: 'to come' | 'starting' | 'running' | 'done';
  step: number;
  totalSteps: number | null;
  startedAt: number | null;
  /** When it is done. */
  tookMs: number;
}

const BAR = 24;

export function createVerifyView(
  job: string,
  seed: number,
  shapes: readonly Shape[],
  stream: NodeJS.WriteStream = process.stderr,
): VerifyView {
  const live = stream.isTTY && process.env['TERM'] !== 'dumb';
  const foot = live ? createPanel(stream) : null;
  const lines: Line[] = shapes.map(() => ({
    state: 'to come',
    step: 0,
    totalSteps: null,
    startedAt: null,
    tookMs: 0,
  }));
  let told = 0;
  let current = 0;
  let pending: readonly Applied[] = [];
  const width = Math.max(...shapes.map(s => shapeName(s).length));

  const draw = (): void => {
    if (!foot) return;
    const bars = shapes.map((shape, i) => barLine(lines[i], `${i + 1}  ${shapeName(shape).padEnd(width)}`));
    foot.draw([...pending.map(f => paint('dim', faultLine(f))), '', ...bars, '']);
  };
  const say = (line: string): void => {
    if (foot) foot.say(line);
    else printLines(stream, [line]);
    draw();
  };
  /** In the order in which they were applied; one that training has not recovered from yet holds up those behind it. */
  const tell = (faults: readonly Applied[], all: boolean): void => {
    while (told < faults.length) {
      const fault = faults[told];
      if (!fault || !(all || fault.settled || fault.resumedMs !== null)) break;
      told += 1;
      say(faultLine(fault));
    }
    pending = faults.slice(told);
  };

  return {
    begin(index) {
      current = index;
      told = 0;
      pending = [];
      Object.assign(lines[current] ?? {}, { state: 'starting' });
      const shape = shapes[current];
      if (!foot && shape) say(`run ${current + 1} of ${shapes.length} of ${job}: ${shapeName(shape)} …`);
      if (shape?.disturbed && index === 1) say(paint('dim', `faults by seed ${seed}`));
      draw();
    },
    look(status: Status | null, faults) {
      const line = lines[current];
      if (line && status) {
        line.step = Math.max(line.step, status.step ?? 0);
        line.totalSteps = status.totalSteps ?? line.totalSteps;
        if (line.step > 0) {
          line.state = 'running';
          line.startedAt ??= performance.now();
        }
      }
      tell(faults, false);
      draw();
    },
    end(record: RunRecord) {
      tell(record.faults, true);
      const line = lines[current];
      if (line) Object.assign(line, { state: 'done', tookMs: record.trainingMs });
      const { finalDigest, step } = record.status;
      if (!foot) say(`run ${current + 1}: step ${step ?? 0}, digest ${finalDigest ?? 'none'}`);
      draw();
    },
    close(interrupted) {
      foot?.end();
      if (foot && !interrupted) printLines(stream, ['']);
      if (interrupted) printLines(stream, ['interrupted: what the verification made is removed']);
    },
  };
}

function barLine(line: Line | undefined, title: string): string {
  if (!line || line.state === 'to come') return paint('dim', `  ${title}`);
  if (line.state === 'starting') return `  ${title}  ${paint('dim', 'starting')}`;
  const share = line.totalSteps ? Math.min(1, line.step / line.totalSteps) : 0;
  const full = Math.round(share * BAR);
  const bar =
    paint(line.state === 'done' ? 'green' : 'cyan', '━'.repeat(full)) + paint('dim', '─'.repeat(BAR - full));
  const time =
    line.state === 'done' ? line.tookMs : performance.now() - (line.startedAt ?? performance.now());
  return `  ${title}  ${bar}  step ${line.step}/${line.totalSteps ?? '?'}  ${duration(time)}`;
}
