/** A scenario's run as lines for people. Pure but for colours. */
import type { Evidence, SeenFault } from '../../../chaos/evidence/evidence.ts';
import type { Verdict } from '../../../chaos/hypotheses/index.ts';
import type { Conclusion, Outcome } from '../../../chaos/scenarios/experiment.ts';
import { duration } from '../../shared/duration.ts';
import { paint } from './format.ts';

const WIDTH = 34;

export const marks: Readonly<Record<Conclusion, string>> = {
  holds: '✔',
  broken: '✘',
  'not judged': '?',
  skipped: '-',
  interrupted: '!',
};
const colours = {
  holds: 'green',
  broken: 'red',
  'not judged': 'yellow',
  skipped: 'dim',
  interrupted: 'yellow',
} as const;

const runName = ({ scenario, seed }: Pick<Outcome, 'scenario' | 'seed'>): string =>
  `${scenario.name} (seed ${seed})`;

/** `  12.3 s  step   98  kill rank 1`. */
export function faultLine({ firstStep }: Pick<Evidence, 'firstStep'>, fault: SeenFault): string {
  const [hit] = fault.hits;
  // The text of what hit one rank names that.
  const whom = fault.hits.length === 1 && hit?.rank === null ? ` (${hit.container})` : '';
  return `${when(fault.at - (firstStep ?? 0))}  step ${String(fault.step).padStart(5)}  ${fault.text}${whom}`;
}

/** `  12.8 s  step   99  resumed after 520 ms`. */
export function recoveryLine(
  { firstStep, origin }: Pick<Evidence, 'firstStep' | 'origin'>,
  r: Evidence['recoveries'][number],
): string {
  const at = r.at - origin - (firstStep ?? 0) + (r.resumedMs ?? 0);
  const lost = (r.stepsLost ?? 0) > 0 ? `, ${r.stepsLost ?? 0} steps done again` : '';
  const who = `${r.lost.length} lost`;
  return `${when(at)}  step ${String(r.resumedStep ?? r.atStep).padStart(5)}  ${who}: resumed after ${duration(r.resumedMs ?? 0)}${lost}`;
}

const when = (ms: number): string => `${(Math.max(0, ms) / 1000).toFixed(1)} s`.padStart(8);

function verdictLine({ holds, claim, seen }: Verdict, stream = process.stdout): string {
  const mark = holds === null ? '?' : holds ? '✔' : '✘';
  const colour = holds === null ? 'yellow' : holds ? 'green' : 'red';
  return `  ${paint(colour, mark, stream)} ${claim.padEnd(WIDTH)}  ${paint('dim', seen, stream)}`;
}

/** What goes to stdout when a run is over. */
export function outcomeLines(o: Outcome): string[] {
  const out = process.stdout;
  const title = paint('bold', runName(o), out);
  const mark = paint(colours[o.conclusion], `${marks[o.conclusion]} ${o.conclusion}`, out);
  const lines = [`${title}: ${o.scenario.title}`, ...o.verdicts.map(v => verdictLine(v, out))];
  const faults = o.evidence?.faults.length ?? 0;
  const took =
    o.evidence === null ? '' : `, ${faults} fault${faults === 1 ? '' : 's'} in ${duration(o.evidence.end)}`;
  const why = o.reason === null || o.verdicts.length > 0 ? '' : `: ${o.reason}`;
  return [...lines, `  ${mark}${why}${took}`, ''];
}

/** The last lines: how many of what. */
export function tally(outcomes: readonly Outcome[], repeat: string): string[] {
  if (outcomes.length < 2) return [];
  const counts = (['holds', 'broken', 'not judged', 'skipped', 'interrupted'] as const)
    .map(c => [c, outcomes.filter(o => o.conclusion === c).length] as const)
    .filter(([, n]) => n > 0)
    .map(([c, n]) => `${n} ${c === 'holds' ? 'hold' : c}`);
  const bad = outcomes
    .filter(o => o.conclusion !== 'holds')
    .map(o => `  ${marks[o.conclusion]} ${runName(o)}: ${o.reason ?? ''}`);
  return [
    `${outcomes.length} runs: ${counts.join(', ')}`,
    ...bad,
    ...(bad.length > 0 ? [`again: ${repeat}`] : []),
  ];
}
