/** What the checks of the replicas have shown, in lines for people. Pure but for colours. */
import type { Mismatch } from '../../api/replicas.ts';
import type { Status, WorkerRow } from '../../api/status.ts';
import { paint } from './format.ts';

/** More workers than this are not named. */
const MOST_NAMED = 3;

/**
 * `replicas: checked to step 420 (1,234 checks), no difference`, `…, 1 difference repaired (job-worker-2, model.0.weight,
 * step 42)`. Null while there is nothing to tell.
 */
function replicaLine({ replicas: r, workers }: Pick<Status, 'replicas' | 'workers'>): string | null {
  if (r.checks === 0 && r.mismatches === 0) return null;
  const count = many(r.checks, 'check');
  const checked = r.checkedStep === null ? count : `checked to step ${r.checkedStep} (${count})`;
  if (r.mismatches === 0) return `replicas: ${checked}, no difference`;
  const last = r.last === null ? '' : placeOf(r.last, workers);
  return paint('yellow', `replicas: ${checked}, ${differences(r)}${last}`);
}

/** The same, then how many steps were left out, and why training ended early; none of it where there is nothing to tell. */
export function checkLines(s: Status): string[] {
  const { skippedSteps, finished, totalSteps } = s;
  const replicas = replicaLine(s);
  const lines = replicas === null ? [] : [replicas];
  if (skippedSteps > 0) {
    const were = skippedSteps === 1 ? 'step was' : 'steps were';
    lines.push(paint('yellow', `${skippedSteps} ${were} left out: a number was not finite`));
  }
  if (finished !== null) lines.push(`finished early at step ${totalSteps ?? '?'}: ${finished}`);
  return lines;
}

/** `1 difference repaired`, `3 differences: 2 repaired, 1 undone by going back`. */
export function differences(r: Pick<Status['replicas'], 'mismatches' | 'repaired' | 'returned'>): string {
  const outcomes = [
    [r.repaired, 'repaired'],
    [r.returned, 'undone by going back'],
    [r.mismatches - r.repaired - r.returned, 'fatal'],
  ] as const;
  const there = outcomes.filter(([n]) => n > 0);
  const head = many(r.mismatches, 'difference');
  const [only, ...others] = there;
  if (only && others.length === 0) return `${head} ${only[1]}`;
  return `${head}: ${there.map(([n, what]) => `${n} ${what}`).join(', ')}`;
}

function placeOf(
  { workers: ids, tensor, step, toStep }: Mismatch,
  rows: readonly Pick<WorkerRow, 'id' | 'container'>[],
): string {
  const names = ids.map(id => rows.find(row => row.id === id)?.container ?? id);
  const who = names.length > MOST_NAMED ? `${names.length} workers` : names.join(', ');
  const back = toStep === null ? '' : `, back to ${toStep}`;
  return ` (${who}, ${tensor}, step ${step}${back})`;
}

const many = (n: number, one: string): string => `${n.toLocaleString('en')} ${one}${n === 1 ? '' : 's'}`;
