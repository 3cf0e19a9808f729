/** Shows runs of scenarios as they go: a bar on a terminal, a line for each thing that happens everywhere. To stderr. */
import type { Recorder } from '../../../chaos/evidence/recorder.ts';
import type { Watcher } from '../../../chaos/scenarios/experiment.ts';
import { duration } from '../../shared/duration.ts';
import { faultLine, recoveryLine } from './chaos-run.ts';
import { paint } from './format.ts';
import { createPanel } from './panel.ts';
import { printLines } from '../print.ts';

export interface ChaosRunView extends Watcher {
  /** The next run: what it is called, and the how manyth. */
  next(title: string, count: string): void;
  /** Takes the bar away; what is written next stays. */
  clear(): void;
}

const BAR = 28;
/** A recovery may be quicker than the word that the fault is in force. Milliseconds. */
const AFTER_MS = 700;
/** Drawing costs more than looking. Milliseconds. */
const DRAW_EVERY_MS = 100;

export function createChaosRunView(stream: NodeJS.WriteStream = process.stderr): ChaosRunView {
  const live = stream.isTTY && process.env['TERM'] !== 'dumb';
  const panel = live ? createPanel(stream) : null;
  let title = '';
  let count = '';
  let what: 'undisturbed' | 'scenario' = 'scenario';
  let told = { faults: 0, recoveries: new Set<number>(), rollbacks: 0 };
  let drawnAt = -Infinity;
  let shown = false;

  const say = (line: string): void => {
    if (panel) panel.say(line);
    else printLines(stream, [line]);
    drawnAt = -Infinity;
  };
  const draw = (recorder: Recorder): void => {
    if (!panel || performance.now() - drawnAt < DRAW_EVERY_MS) return;
    drawnAt = performance.now();
    shown = true;
    panel.draw(['', barLine(recorder, what === 'undisturbed' ? `${title}, baseline` : title, count)]);
  };

  return {
    next(now, many) {
      [title, count] = [now, many];
      say(paint('bold', `${title}${many === '' ? '' : paint('dim', `  ${many}`)}`));
    },
    begin(kind) {
      what = kind;
      told = { faults: 0, recoveries: new Set(), rollbacks: 0 };
      if (kind === 'undisturbed') say(paint('dim', 'the baseline: the same job without faults …'));
    },
    look(recorder) {
      const { faults, recoveries, rollbacks } = recorder.soFar;
      for (const fault of faults.slice(told.faults)) say(faultLine(recorder.soFar, fault));
      told.faults = faults.length;
      const { origin, end } = recorder.soFar;
      for (const r of recoveries) {
        if (r.resumedMs === null || told.recoveries.has(r.at)) continue;
        // The fault that it is of is told first: it is known a moment later.
        if (origin + end - r.at - r.resumedMs < AFTER_MS) continue;
        told.recoveries.add(r.at);
        say(paint('dim', recoveryLine(recorder.soFar, r)));
      }
      for (const { text } of rollbacks.slice(told.rollbacks)) say(paint('dim', `rollback: ${text}`));
      told.rollbacks = rollbacks.length;
      draw(recorder);
    },
    clear() {
      if (shown) panel?.end();
      shown = false;
    },
  };
}

function barLine({ soFar, status }: Recorder, title: string, count: string): string {
  const { totalSteps, firstStep, end } = soFar;
  const step = status?.step ?? 0;
  const full = totalSteps ? Math.round(Math.min(1, step / totalSteps) * BAR) : 0;
  const bar = paint('cyan', '━'.repeat(full)) + paint('dim', '─'.repeat(BAR - full));
  const open = soFar.faults.filter(f => f.until === null).map(f => f.text);
  const now = open.length > 0 ? paint('yellow', `  ${open.join(', ')}`) : '';
  const workers = status ? `  ${status.worldSize} of ${status.target}` : '  the master is silent';
  const time = firstStep === null ? 'starting' : duration(end - firstStep);
  return `${title} ${paint('dim', count)}  ${bar}  step ${step}/${totalSteps ?? '?'}${workers}  ${time}${now}`;
}
