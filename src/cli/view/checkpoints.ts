/** Checkpoints as lines for people, to stdout. Pure but for colours. */
import type { Pruned } from '../../api/checkpoint-answers.ts';
import type { CheckpointRow } from '../../api/checkpoint-row.ts';
import { bytes } from '../../shared/bytes.ts';
import { age } from '../../shared/duration.ts';
import { paint, short, table } from './format.ts';
import { visible } from '../../shared/visible.ts';

const out = process.stdout;

/** @param now milliseconds since the epoch */
export function checkpointTable(rows: readonly CheckpointRow[], now: number): string[] {
  // Where the best are kept, by what: the job has one such metric.
  const metric = rows.find(row => row.score !== null)?.score?.metric;
  const score = (row: CheckpointRow): string => (row.score === null ? '-' : short(row.score.value));
  return table(
    ['STEP', 'AGE', 'SIZE', 'GENERATION', ...(metric === undefined ? [] : [visible(metric)]), 'STATE'],
    rows.map(row => [
      String(row.step),
      ageOf(row.createdAt, now),
      bytes(row.bytes),
      row.generation === null ? '-' : String(row.generation),
      ...(metric === undefined ? [] : [score(row)]),
      [stateOf(row, now), ...marks(row)].join(', '),
    ]),
    metric === undefined ? [0, 1, 2, 3] : [0, 1, 2, 3, 4],
  );
}

function ageOf(createdAt: string | null, now: number): string {
  const at = createdAt === null ? NaN : Date.parse(createdAt);
  return Number.isNaN(at) ? '-' : age(now - at);
}

function stateOf({ state, checkedAt, problem }: CheckpointRow, now: number): string {
  switch (state) {
    case 'valid':
      return paint('green', `valid ${age(now - (checkedAt ?? now))} ago`, out);
    case 'unverified':
      return 'not verified';
    case 'damaged':
      return paint('red', `damaged: ${problem ?? 'unknown'}`, out);
    case 'unreadable':
      return paint('red', problem ?? 'cannot be read', out);
    case 'aside':
      return paint('yellow', `quarantined${problem === null ? '' : `: ${problem}`}`, out);
  }
}

function marks({ latest, best, pinned }: CheckpointRow): string[] {
  return [
    ...(latest ? [paint('bold', 'latest', out)] : []),
    ...(best ? [paint('green', 'best', out)] : []),
    ...(pinned ? ['pinned'] : []),
  ];
}

/** `the 2 with the smallest val_loss`. */
function bestOf({ metric, mode, keep }: NonNullable<Pruned['keepBest']>): string {
  const many = keep === 1 ? 'the one' : `the ${keep}`;
  return `${many} with the ${mode === 'min' ? 'smallest' : 'largest'} ${visible(metric)}`;
}

/** `✔ step 100: valid, 260 kB`. */
export function verdictLine({ step, state, bytes: size, problem }: CheckpointRow): string {
  if (state === 'valid') return `${paint('green', '✔', out)} step ${step}: valid, ${bytes(size)}`;
  return `${paint('red', '✘', out)} step ${step}: ${whatIsWrong(state, problem)}`;
}

function whatIsWrong(state: CheckpointRow['state'], problem: string | null): string {
  if (state === 'damaged') return `damaged: ${problem}`;
  return state === 'unreadable' ? `not known: ${problem}` : 'it changes while it is read';
}

export function verdictSummary(rows: readonly CheckpointRow[]): string {
  const bad = rows.filter(row => row.state !== 'valid').length;
  if (bad === 0) return rows.length === 1 ? 'it is valid' : `all ${rows.length} are valid`;
  return `${bad} of ${rows.length} ${bad === 1 ? 'is' : 'are'} not valid; workers load the newest that is, and set others aside`;
}

export function pruneLines({ dryRun, keep, pinEvery, keepBest, removed, kept }: Pruned): string[] {
  const rule = [
    keep === 1 ? 'the newest' : `the ${keep} newest`,
    ...(pinEvery === null ? [] : [`every one of a step that ${pinEvery} divides`]),
    ...(keepBest === null ? [] : [bestOf(keepBest)]),
  ].join(' and ');
  const size = bytes(removed.reduce((sum, row) => sum + row.bytes, 0));
  const steps = removed.map(row => row.step).join(', ');
  const kind = removed.length === 1 ? 'step' : 'steps';
  return [
    removed.length === 0
      ? 'nothing to remove'
      : `${dryRun ? 'would remove' : 'removed'} ${removed.length} (${size}): ${kind} ${steps}`,
    `${dryRun ? 'would keep' : 'kept'} ${kept.length}: ${rule}, what LATEST names, and what is known to be damaged or quarantined`,
  ];
}
