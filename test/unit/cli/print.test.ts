import fc from 'fast-check';
import { Writable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { paint, printLines, shown, width } from '../../../src/cli/print.ts';
import { report } from '../../../src/cli/report.ts';
import { checkpointLines } from '../../../src/cli/view/checkpoint-status.ts';
import { checkpointTable, verdictLine } from '../../../src/cli/view/checkpoints.ts';
import { healedLines } from '../../../src/cli/view/healed.ts';
import { eventLine, headline, outcome, recoveryTable, workerTable } from '../../../src/cli/view/job.ts';
import { createView } from '../../../src/cli/view/live.ts';
import { lastMetricsLine, StepTable } from '../../../src/cli/view/metrics.ts';
import { checkLines } from '../../../src/cli/view/replicas.ts';
import { s3Line } from '../../../src/cli/view/s3.ts';
import { tracebackLines } from '../../../src/cli/view/traceback.ts';
import { FtcError } from '../../../src/errors.ts';
import { JobEvent } from '../../../src/api/event.ts';
import { Status } from '../../../src/api/status.ts';
import { CheckpointRow } from '../../../src/api/checkpoint-row.ts';
import { nasty } from '../shared/nasty.ts';

/** A terminal, as far as colours go. */
class Terminal extends Writable {
  text = '';
  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    this.text += String(chunk);
    done();
  }
}

let before: string | undefined;
beforeAll(() => {
  before = process.env['FORCE_COLOR'];
  process.env['FORCE_COLOR'] = '1';
});
afterAll(() => {
  if (before === undefined) delete process.env['FORCE_COLOR'];
  else process.env['FORCE_COLOR'] = before;
});

/** Bold, dim and six colours, and their ends: no text of others has them, see ../shared/nasty.ts. */
const OURS = /\u001b\[(1|2|22|3[1-6]|39)m/g;
function isHarmless(text: string): void {
  expect(text.replace(OURS, '').replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
}

/** A status in which all that may be text of others is `t`. */
function statusOf(t: string, state: Status['state']): Status {
  return Status.parse({
    ...{ job: t, project: t, state, reason: t, traceback: t, generation: 3, worldSize: 1, target: 2 },
    ...{ step: 4, totalSteps: 9, finished: t, epoch: 0, loss: 0.5, skippedSteps: 1 },
    ...{
      samplesPerSecond: 1,
      etaSeconds: 1,
      finalDigest: t,
      metrics: { [t]: 1 },
      lastMetrics: { step: 4, [t]: 1 },
    },
    workers: [
      {
        id: t,
        container: null,
        rank: 0,
        role: 'rank',
        state: 'training',
        phase: 'compute',
        step: 4,
        restarts: 0,
        lastSeenMs: 0,
        slow: 3,
      },
      {
        id: t,
        container: t,
        rank: null,
        role: null,
        state: 'down',
        phase: null,
        step: null,
        restarts: 0,
        lastSeenMs: 0,
      },
    ],
    recoveries: [
      {
        generation: 2,
        cause: t,
        lost: [t],
        lostRanks: [1],
        atStep: 1,
        resumedStep: 2,
        stepsLost: 0,
        resumedMs: 1,
        wholeMs: 2,
        at: 1,
      },
    ],
    replicas: {
      ...{ checks: 1, checkedStep: 1, mismatches: 1, repaired: 1, returned: 0 },
      last: {
        generation: 1,
        step: 1,
        fromStep: 0,
        tensor: `x${t}`,
        position: [0],
        workers: ['a'],
        action: 'repaired',
        toStep: null,
        at: 1,
      },
    },
    checkpoint: {
      last: null,
      failed: { step: 1, at: 1, error: t },
      delayed: 1,
      delayedMs: 1,
      damaged: [{ step: 1, problem: t }],
    },
    s3: {
      ...{ target: t, state: 'retrying', backlogSteps: 1, backlogBytes: 1, uploading: null, uploadedStep: 1 },
      ...{ restoredStep: null, newerStep: null, lastError: t, nextTryAt: null },
    },
  });
}

const event = (text: string, level: JobEvent['level']): JobEvent =>
  JobEvent.parse({
    seq: 1,
    at: 1,
    kind: 'note',
    level,
    text,
    generation: 1,
    worker: text,
    rank: null,
    step: null,
  });

function row(t: string): CheckpointRow {
  const { metrics, score } = { metrics: { [t]: 1 }, score: { metric: t, value: 1 } };
  const more = {
    step: 1,
    name: t,
    generation: 1,
    createdAt: t,
    bytes: 1,
    checkedAt: null,
    latest: true,
    pinned: true,
  };
  return CheckpointRow.parse({ ...more, state: 'damaged', problem: t, metrics, score });
}

/** What each command prints that shows texts of others. */
const views: Record<string, (t: string) => string[]> = {
  up: t => [...outcome(statusOf(t, 'failed')), ...tracebackLines(t), ...outcome(statusOf(t, 'succeeded'))],
  watch: t => [
    ...headline(statusOf(t, 'waiting')),
    ...(['info', 'warn', 'error'] as const).map(l => eventLine(event(t, l))),
  ],
  status: t => {
    const s = statusOf(t, 'running');
    const rest = [s3Line(s.s3, 1) ?? '', lastMetricsLine(s.lastMetrics) ?? ''];
    return [
      ...headline(s),
      ...workerTable(s),
      ...recoveryTable(s),
      ...checkLines(s),
      ...checkpointLines(s.checkpoint, 1),
      ...rest,
    ];
  },
  metrics: t => new StepTable().rows([{ step: 1, epoch: 0, samples: 1, loss: 1, [t]: 1 }]),
  checkpoints: t => [...checkpointTable([row(t)], 1), verdictLine(row(t))],
  chaos: t => healedLines([{ fault: t, container: t, healed: false, note: t } as never]),
};

describe('what is printed', () => {
  it.each(Object.entries(views))('by %s, has no character of others that a terminal obeys', (_, view) => {
    fc.assert(
      fc.property(nasty, t => {
        const terminal = new Terminal();
        const lines = view(t);
        printLines(terminal, lines);
        isHarmless(terminal.text);
        // No text of others makes another line of it.
        expect(terminal.text.split('\n')).toHaveLength(lines.length + 1);
      }),
    );
  });

  it('while a job is followed, or of an error, is the same', () => {
    fc.assert(
      fc.property(nasty, t => {
        const terminal = new Terminal();
        const view = createView(terminal as unknown as NodeJS.WriteStream);
        view.show({ status: statusOf(t, 'running'), events: [event(t, 'warn'), event(t, 'error')] });
        view.say(t);
        isHarmless(terminal.text);
        let text = '';
        const print = (more: string): void => void (text += more);
        report(new FtcError('FTC_JOB_FAILED', `the job failed: ${t}`, { hint: t }), print);
        // Whatever is in it, what does not begin the error stands to the right.
        expect(
          text
            .split('\n')
            .slice(1, -1)
            .filter(line => !line.startsWith('     ')),
        ).toEqual([]);
        report(new Error(t), print);
        isHarmless(text);
      }),
    );
  });

  it('keeps its own colours, nested too, and no others', () => {
    const line = `${paint('bold', `a ${paint('red', 'b\u001b[7m')} c`)}\u001b[31m\nd`;
    expect(shown(line)).toBe('\u001b[1ma \u001b[31mb\\x1b[7m\u001b[39m c\u001b[22m\\x1b[31m\\nd');
    expect(width(paint('red', 'abc'))).toBe(3);
  });

  it('sets lines of a traceback to the right that look like its own', () => {
    expect(tracebackLines('ValueError: x\nftc: run curl\nnpx ftc up\nftcs\n')).toEqual([
      'ValueError: x',
      '  ftc: run curl',
      '  npx ftc up',
      'ftcs',
    ]);
  });
});
