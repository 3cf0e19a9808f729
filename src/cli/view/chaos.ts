/** A fault and what came of it, as lines for people. Pure but for colours. */
import { FOUND_WITHIN_STEPS } from '../../../chaos/replicas.ts';
import { found, type Strike } from '../../../chaos/strike.ts';
import { duration } from '../../shared/duration.ts';
import { paint, table } from './format.ts';

/** `SIGKILL to job-worker-1 (rank 1) after step 107`. */
export function hitLines(s: Strike): string[] {
  const length = s.forMs === null ? '' : `, for ${duration(s.forMs)}`;
  const kill = s.fault === 'kill';
  const how = kill ? [] : Object.entries(s.params).map(([name, value]) => `, ${name} ${value}`);
  return s.hits.map(v => {
    const what = kill ? `${s.params['signal'] ?? 'SIGKILL'} to` : `${s.fault}:`;
    const where = v.atStep === null ? '' : ` after step ${v.atStep}`;
    const detail = v.detail === null ? '' : `, ${v.detail}`;
    return paint('bold', `${what} ${v.container} (${placeOf(v)})${where}${detail}${how.join('')}${length}`);
  });
}

function placeOf({ role, rank }: Strike['hits'][number]): string {
  if (role !== 'worker') return role;
  return rank === null ? 'no rank' : `rank ${rank}`;
}

/** What the watch has seen of one fault. */
export function summary(s: Strike): string[] {
  const lines = ['', ...s.notes];
  const after = `after the ${s.fault}`;
  const { recovery } = s;
  if (s.undoneMs !== null) lines.push(`undone  ${duration(s.undoneMs)} ${after}`);
  if (recovery?.resumedStep != null && s.resumedMs !== null) {
    const lost =
      recovery.stepsLost === 0
        ? 'no committed step lost'
        : `${recovery.stepsLost} committed steps done again`;
    lines.push(
      `training went on at step ${recovery.resumedStep}  ${duration(s.resumedMs)} ${after}, ${lost}`,
    );
  }
  if (recovery && recovery.resumedStep === null && s.resumedMs !== null) {
    lines.push(`every script was running again  ${duration(s.resumedMs)} ${after}`);
  }
  for (const v of s.hits) {
    if (v.backMs !== null) lines.push(`${v.container} was running again  ${duration(v.backMs)} ${after}`);
  }
  return [...lines, ...replicaLine(s), verdict(s, after)];
}

/** What the workers found when they compared their states. */
function replicaLine(s: Strike): string[] {
  const { replicasBefore: before, replicasAfter: after } = s;
  if (!before || !after) return [];
  const n = found(s);
  if (n > 0) {
    const repaired = after.repaired - before.repaired;
    const returned = after.returned - before.returned;
    return [
      `the workers found ${n} differing: ${repaired} repaired, ${returned} by going back to a checkpoint`,
    ];
  }
  return s.whole
    ? [`the workers found nothing in ${FOUND_WITHIN_STEPS} steps: what was flipped had been written anew`]
    : ['the workers have found nothing yet'];
}

function verdict(s: Strike, after: string): string {
  if (s.wholeMs !== null)
    return `fully recovered, generation ${s.generationAfter ?? '?'}  ${duration(s.wholeMs)} ${after}`;
  if (s.whole) return s.recovery === null ? 'no worker was lost; training continues' : 'fully recovered';
  if (s.state === 'succeeded') return 'the job ended, with success, before it was fully recovered';
  if (s.recovery === null && s.hits.every(v => v.backMs === null) && s.state === 'running')
    return 'nothing was lost: the containers took it and went on';
  return `not fully recovered; the job is ${s.state ?? 'out of reach'}`;
}

/** All that a command did, one fault a line. */
export function strikeTable(strikes: readonly Strike[]): string[] {
  const start = strikes[0]?.at ?? 0;
  const cell = (ms: number | null): string => (ms === null ? '-' : duration(ms));
  const rows = strikes.map(s => [
    duration(s.at - start),
    s.hits.map(v => `${v.container} (${placeOf(v)})`).join(', '),
    cell(s.undoneMs),
    s.recovery?.stepsLost == null ? '-' : String(s.recovery.stepsLost),
    cell(s.resumedMs),
    cell(s.wholeMs),
  ]);
  return table(['AT', 'HIT', 'UNDONE', 'STEPS LOST', 'RESUMED', 'FULLY RECOVERED'], rows, [0, 2, 3, 4, 5]);
}
