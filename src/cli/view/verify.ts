/** A verification as lines for people. Pure but for colours. */
import type { Applied } from '../../verify/applied.ts';
import { describeAct } from '../../../chaos/plan.ts';
import type { RunShape, VerifyReport } from '../../verify/verdict.ts';
import { duration } from '../../shared/duration.ts';
import { paint, table } from './format.ts';
import { differences } from './replicas.ts';

const SHORT = 12;

/** `3 workers, undisturbed`, `3 workers + 1 standby, under faults`. */
export function shapeName({ workers, standbys, disturbed }: Omit<RunShape, 'project'>): string {
  const waiting = standbys === 0 ? '' : ` + ${standbys} ${standbys === 1 ? 'standby' : 'standbys'}`;
  return `${workers} ${workers === 1 ? 'worker' : 'workers'}${waiting}, ${disturbed ? 'under faults' : 'baseline'}`;
}

/** `  12.3 s  step   98  kill rank 1 …   resumed after 212 ms, whole after 260 ms`. */
export function faultLine(fault: Applied): string {
  const when = `${(fault.afterMs / 1000).toFixed(1)} s`.padStart(8);
  const what = whatHit(fault).padEnd(WIDTH);
  return `${when}  step ${String(fault.step).padStart(5)}  ${what}  ${outcome(fault)}`.trimEnd();
}

const WIDTH = 24;

function whatHit({ act, hits }: Applied): string {
  const [hit] = hits;
  if (act.kind === 'scale' || act.target !== 'worker' || hit?.rank == null) return describeAct(act);
  return describeAct({ ...act, rank: hit.rank });
}

function outcome(fault: Applied): string {
  const { act, resumedMs, wholeMs, stepsMeanwhile, settled, reverted } = fault;
  if (act.kind === 'scale')
    return wholeMs === null
      ? '…'
      : `${act.workers} ${act.workers === 1 ? 'trains' : 'train'} after ${duration(wholeMs)}`;
  if (act.target === 'master')
    return wholeMs === null
      ? '…'
      : `answers again after ${duration(wholeMs)}, ${stepsMeanwhile ?? 0} steps meanwhile`;
  const parts = [];
  if (resumedMs !== null) parts.push(`resumed after ${duration(resumedMs)}`);
  if (wholeMs !== null) parts.push(`fully recovered after ${duration(wholeMs)}`);
  if (parts.length > 0) return parts.join(', ');
  if (!settled) return '…';
  return act.forMs !== null && reverted ? 'no worker was lost' : '';
}

/** What goes to stdout at the end. */
export function summary(r: VerifyReport): string[] {
  const out = process.stdout;
  const rows = r.runs.map((run, i) => {
    const standbys = run.standbys === 0 ? '' : ` + ${run.standbys} standby`;
    const counts = [run.faults.length, run.recoveries.reduce((n, x) => n + x.lost.length, 0), run.restarts];
    return [
      String(i + 1),
      `${run.workers}${standbys}`,
      ...counts.map(n => (run.disturbed ? String(n) : '-')),
      run.disturbed ? String(run.stepsLost) : '-',
      String(run.replicas.checks),
      duration(run.trainingMs),
      run.digest?.slice(0, SHORT) ?? '-',
    ];
  });
  const lines = table(
    ['RUN', 'WORKERS', 'FAULTS', 'LOSSES', 'RESTARTS', 'STEPS LOST', 'CHECKS', 'TIME', 'DIGEST'],
    rows,
    [0, 2, 3, 4, 5, 6, 7],
  );
  if (r.recoveries > 0) lines.push('', ...recoveryLines(r));
  for (const [i, run] of r.runs.entries()) lines.push(...asides(run, i + 1));
  const good = r.reason === null;
  const mark = good ? paint('green', '✔', out) : paint('red', '✘', out);
  const said = good ? 'same bits, no committed step lost' : r.verdict;
  const many = (n: number, one: string, more = `${one}s`): string => `${n} ${n === 1 ? one : more}`;
  lines.push(
    '',
    `${mark} ${paint('bold', said, out)}: ${many(r.runs.length, 'run')}, ${many(r.faults, 'fault')}`,
  );
  if (r.digest !== null) lines.push(`  digest ${r.digest}`);
  else
    for (const [i, run] of r.runs.entries()) lines.push(`  digest of run ${i + 1}: ${run.digest ?? 'none'}`);
  if (r.faults > 0) lines.push(`  the same faults again: --seed ${r.seed}`);
  return lines;
}

function recoveryLines({ resumedMs, wholeMs }: VerifyReport): string[] {
  const cell = (ms: number | null): string => (ms === null ? '-' : duration(ms));
  return table(
    ['AFTER A LOSS', 'MEDIAN', 'MAX'],
    [
      ['resumed', cell(resumedMs.median), cell(resumedMs.max)],
      ['fully recovered', cell(wholeMs.median), cell(wholeMs.max)],
    ],
    [1, 2],
  );
}

/** What must not be overlooked, though it is no reason to fail. */
function asides(run: VerifyReport['runs'][number], n: number): string[] {
  const lines = [];
  const { mismatch, replicas } = run;
  if (mismatch !== null) {
    const { tensor, step } = mismatch;
    lines.push(
      `run ${n}: the replicas differed, ${differences(replicas)}; last in ${tensor}, seen at step ${step}`,
    );
  }
  if (run.stepsRepeated > 0)
    lines.push(
      `run ${n}: ${run.stepsRepeated} steps were repeated from a checkpoint, because no worker was left that held the state`,
    );
  if (run.missed.length > 0) lines.push(`run ${n}: the end came before ${run.missed.join(', ')}`);
  return lines.length > 0 ? ['', ...lines] : [];
}
