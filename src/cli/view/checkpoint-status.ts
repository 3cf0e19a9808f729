/** How a job's checkpoints are, as the status tells: a piece of the panel, and lines of `ftc status`. Pure but for colours. */
import type { CheckpointStatus } from '../../api/checkpoint-status.ts';
import { bytes } from '../../shared/bytes.ts';
import { age, duration } from '../../shared/duration.ts';
import { paint } from './format.ts';

/** `checkpoint 400`, `checkpoint 400, 2 late`, `checkpoint 400, 450 failed, 350 damaged`; null before there is any. */
export function checkpointPiece({ last, failed, delayed, damaged }: CheckpointStatus): string | null {
  const parts = [];
  if (delayed > 0) parts.push(paint('yellow', `${delayed} late`));
  if (isNewer(failed, last)) parts.push(paint('red', `${failed.step} failed`));
  const [bad] = damaged;
  if (bad) parts.push(paint('red', `${damaged.length === 1 ? bad.step : damaged.length} damaged`));
  if (last) return [`checkpoint ${last.step}`, ...parts].join(', ');
  return parts.length === 0 ? null : `checkpoints: ${parts.join(', ')}`;
}

/** What it says, at length. @param now milliseconds since the epoch */
export function checkpointLines(c: CheckpointStatus, now: number): string[] {
  const ago = (at: number): string => `${age(now - at)} ago`;
  const { last, failed, delayed, delayedMs, damaged } = c;
  const lines = [];
  if (last) {
    const parts = [bytes(last.bytes), `stall ${short(last.stallMs)}`, `written in ${short(last.writeMs)}`];
    lines.push(`checkpoint of step ${last.step}, ${ago(last.at)}: ${parts.join(', ')}`);
  }
  if (delayed > 0) {
    const many = `${delayed} ${delayed === 1 ? 'checkpoint' : 'checkpoints'}`;
    lines.push(paint('yellow', `${many} began late, ${duration(delayedMs)} together: the disk is slow`));
  }
  if (isNewer(failed, last)) {
    lines.push(paint('red', `checkpoint of step ${failed.step} failed ${ago(failed.at)}: ${failed.error}`));
  }
  for (const { step, problem } of damaged) {
    lines.push(paint('red', `checkpoint of step ${step} is damaged: ${problem}`));
  }
  return lines;
}

type Failed = NonNullable<CheckpointStatus['failed']>;

function isNewer(failed: CheckpointStatus['failed'], last: CheckpointStatus['last']): failed is Failed {
  return failed !== null && (last === null || failed.at > last.at);
}

const short = (ms: number): string => (ms < 9.95 ? `${ms.toFixed(1)} ms` : duration(ms));
