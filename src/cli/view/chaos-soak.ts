/** A soak as lines for people. Pure but for colours. */
import { many } from '../../../chaos/hypotheses/hypothesis.ts';
import type { Outcome } from '../../../chaos/scenarios/experiment.ts';
import type { SoakReport } from '../../../chaos/soak/tally.ts';
import { duration } from '../../shared/duration.ts';
import { paint, table } from './format.ts';
import { marks } from './chaos-run.ts';

const SHORT = 12;

/** `✔ Soak, round 3: 18 faults, 11 lost, digest 1f3a…, 1 min 32 s`. */
export function roundLine({ scenario, conclusion, reason, evidence }: Outcome): string {
  const lost = evidence?.recoveries.reduce((sum, r) => sum + r.lost.length, 0) ?? 0;
  const parts = [
    many(evidence?.faults.length ?? 0, 'fault'),
    `${many(lost, 'worker')} lost`,
    `digest ${evidence?.digest?.slice(0, SHORT) ?? 'none'}`,
    ...(evidence === null ? [] : [duration(evidence.end)]),
    ...(reason === null ? [] : [reason]),
  ];
  return `${marks[conclusion]} ${scenario.title}: ${parts.join(', ')}`;
}

/** The last lines. */
export function soakLines(r: SoakReport): string[] {
  const out = process.stdout;
  const kinds = Object.entries(r.faults);
  const rows = table(
    ['FAULT', 'TIMES'],
    kinds.map(([kind, n]) => [kind, String(n)]),
    [1],
  );
  const times = r.recovery
    ? `; resumed after a loss: median ${duration(r.recovery.median)}, p99 ${duration(r.recovery.p99)}, at most ${duration(r.recovery.max)}`
    : '';
  const colour = r.conclusion === 'holds' ? 'green' : r.conclusion === 'broken' ? 'red' : 'yellow';
  const said = r.conclusion === 'holds' ? 'nothing broke' : `${r.conclusion}: ${r.reason ?? ''}`;
  const same = r.digests.length === 1 && r.digests[0] === r.undisturbed;
  return [
    '',
    ...(kinds.length > 0 ? [...rows, ''] : []),
    `${r.total} faults of ${kinds.length} kinds in ${r.rounds} rounds: ${r.losses} workers lost, ${r.stepsLost} steps lost, ${r.stepsRepeated} done again from checkpoints${times}`,
    paint(colour, `${marks[r.conclusion]} ${said}`, out),
    ...(same ? [`  every round that ended has the digest of the baseline: ${r.digests[0] ?? ''}`] : []),
    ...(r.replay === null ? [] : [`  the same faults again: ${r.replay}`]),
    `  the same soak again: ${r.command}`,
  ];
}
