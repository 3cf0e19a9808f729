/** A job's status as lines for people. Pure but for colours. */
import type { JobEvent } from '../../api/event.ts';
import type { Status, WorkerRow } from '../../api/status.ts';
import { clock, paint, table } from './format.ts';
import { duration } from '../../shared/duration.ts';
import { checkpointPiece } from './checkpoint-status.ts';
import { checkLines } from './replicas.ts';
import { s3Rest } from './s3.ts';

const BAR = 28;

/** `fashion-mnist  running  generation 3  2 of 3 workers` and what it says about progress. */
export function headline(s: Status): string[] {
  const size = `${s.worldSize} of ${s.target} workers`;
  const saved = checkpointPiece(s.checkpoint);
  const first = [paint('bold', s.job), stateOf(s), `generation ${s.generation}`, size]
    .concat(saved ?? [])
    .join('  ');
  if (s.launcher === 'torchrun' && s.worldSize > 0) {
    return [first, paint('dim', 'as under torchrun: "ftc logs -f worker" shows what the script prints')];
  }
  return s.step === null ? [first] : [first, `${bar(s)}  ${progress(s)}`];
}

function stateOf(s: Status): string {
  const style = { succeeded: 'green', failed: 'red', running: 'cyan' } as const;
  // Why a job failed is said where it ends; what it waits for begins with the word.
  const text = s.state === 'waiting' && s.reason !== null ? s.reason : s.state;
  return paint(s.state in style ? style[s.state as keyof typeof style] : 'yellow', text);
}

function bar(s: Status): string {
  const share = s.totalSteps ? Math.min(1, (s.step ?? 0) / s.totalSteps) : 0;
  const full = Math.round(share * BAR);
  return paint('green', '━'.repeat(full)) + paint('dim', '─'.repeat(BAR - full));
}

/** `step 412/940  loss 0.41  3120 samples/s  ETA 1 min 12 s`. */
export function progress(s: Status): string {
  const parts = [`step ${s.step ?? 0}/${s.totalSteps ?? '?'}`];
  if (s.loss !== null) parts.push(`loss ${s.loss.toPrecision(3)}`);
  if (s.samplesPerSecond !== null) parts.push(`${Math.round(s.samplesPerSecond)} samples/s`);
  if (s.etaSeconds !== null && s.state === 'running') parts.push(`ETA ${eta(s.etaSeconds)}`);
  return parts.join('  ');
}

const eta = (seconds: number): string => (seconds < 60 ? `${seconds} s` : duration(seconds * 1000));

export function workerTable({ workers, launcher }: Pick<Status, 'workers' | 'launcher'>): string[] {
  const head = ['ROLE', 'CONTAINER', 'STATE', 'STEP', 'RESTARTS'];
  const rows = workers.map(w => [
    w.rank !== null ? `rank ${w.rank}` : (w.role ?? '-'),
    w.container ?? w.id,
    doing(w),
    w.step === null ? '-' : String(w.step),
    String(w.restarts),
  ]);
  if (launcher === 'ftc') return table(head, rows, [3, 4]);
  const stepless = (cells: readonly string[]): string[] => cells.filter((_, i) => i !== 3);
  return table(stepless(head), rows.map(stepless), [3]);
}

/** `compute`, `compute, 3.1 × slower`, `compute, others wait 12 s`. */
export function doing(w: WorkerRow): string {
  const what = w.state === 'training' && w.phase !== null && w.phase !== 'idle' ? w.phase : w.state;
  if (w.stuckMs !== null) return paint('yellow', `${what}, others wait ${duration(w.stuckMs)}`);
  return w.slow === null ? what : paint('yellow', `${what}, ${w.slow} × slower`);
}

/** A checkpoint that went well is routine, and so is what a worker said that was killed from outside. */
export const isNews = ({ kind, level }: JobEvent): boolean =>
  (kind !== 'checkpoint' && kind !== 'output') || level !== 'info';

export function eventLine(e: JobEvent): string {
  const mark = { info: ' ', warn: '!', error: 'x' }[e.level];
  const text = `${clock(e.at)} ${mark} ${e.text}`;
  if (e.level === 'error') return paint('red', text);
  if (e.level === 'warn') return paint('yellow', text);
  return e.kind === 'recovered' || e.kind === 'whole' ? paint('green', text) : text;
}

export function recoveryTable({ recoveries, launcher }: Pick<Status, 'recoveries' | 'launcher'>): string[] {
  const again = (ms: number | null): string => (ms === null ? '-' : duration(ms));
  const rows = recoveries.map(r => [
    String(r.generation),
    r.lostRanks.join(','),
    r.cause,
    String(r.atStep),
    r.stepsLost === null ? '-' : String(r.stepsLost),
    again(r.resumedMs),
    again(r.wholeMs),
  ]);
  const head = ['GENERATION', 'LOST RANKS', 'CAUSE', 'AT STEP', 'STEPS LOST', 'RESUMED', 'FULLY RECOVERED'];
  if (launcher === 'ftc') return table(head, rows, [0, 3, 4, 5, 6]);
  const stepless = (cells: readonly string[]): string[] => cells.filter((_, i) => i !== 3 && i !== 4);
  return table(stepless([...head.slice(0, 5), 'RESUMED', 'FULLY RECOVERED']), rows.map(stepless), [0, 3, 4]);
}

/** What is said when a job has ended. */
export function outcome(s: Status): string[] {
  const metrics = Object.entries(s.metrics).map(([k, v]) => `${k} ${Number(v.toPrecision(4))}`);
  const lost = s.recoveries.reduce((sum, r) => sum + (r.stepsLost ?? 0), 0);
  const lines = [
    [paint('bold', s.job), stateOf(s), s.step === null ? '' : `at step ${s.step}`, ...metrics]
      .filter(Boolean)
      .join('  '),
  ];
  if (s.recoveries.length > 0) {
    lines.push(
      `${s.recoveries.length} ${s.recoveries.length === 1 ? 'loss' : 'losses'} recovered, ${s.launcher === 'ftc' ? `${lost} committed steps lost` : 'each time every script started again'}`,
    );
    lines.push(...recoveryTable(s).map(l => `  ${l}`));
  }
  lines.push(...checkLines(s));
  if (s.finalDigest !== null) lines.push(`digest ${s.finalDigest}`);
  const rest = s3Rest(s.s3);
  return rest === null ? lines : [...lines, rest];
}
