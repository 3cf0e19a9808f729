/** `ftc chaos run SCENARIO...`: breaks jobs of its own as scenarios say, and gives a verdict on each. */
import { faults } from '../../chaos/faults/index.ts';
import type { RunReport } from '../../chaos/report/schema.ts';
import { campaign } from '../../chaos/scenarios/campaign.ts';
import type { Outcome } from '../../chaos/scenarios/experiment.ts';
import type { Scenario } from '../../chaos/scenarios/scenario.ts';
import { faultsOf, findScenarios, isShipped, shipped, shippedNames } from '../../chaos/scenarios/shipped.ts';
import { ExitCode, FtcError } from '../errors.ts';
import type { JobFlags } from '../job/sources.ts';
import { createLab, number, quoted } from './chaos-lab.ts';
import { Reports } from './chaos-reports.ts';
import { Interrupt } from './interrupt.ts';
import { outcomeLines, tally } from './view/chaos-run.ts';
import { createChaosRunView } from './view/chaos-run-live.ts';
import { table } from './view/format.ts';
import { stdout } from './print.ts';

export interface ChaosRunOptions extends JobFlags {
  readonly seed?: string;
  readonly repeat?: string;
  readonly report?: string;
  readonly list?: boolean;
  readonly json?: boolean;
}

interface Run {
  readonly scenario: Scenario;
  readonly seed: number;
}

export async function run(options: ChaosRunOptions, wanted: readonly string[]): Promise<number> {
  if (options.list) return list(options.json === true);
  if (wanted.length === 0)
    throw new FtcError('FTC_USAGE', 'no scenario is named', {
      hint: `There are ${shippedNames().join(', ')}, and all. For example: ftc chaos run rolling-kills`,
    });
  const consents = faults.flatMap(f => (f.consent && options[f.consent.key] === true ? [f.consent.key] : []));
  const scenarios = findScenarios(wanted, consents);
  const runs = runsOf(scenarios, options);
  const interrupt = new Interrupt('interrupt');
  const view = createChaosRunView();
  const lab = await createLab(options, scenarios.flatMap(faultsOf), {
    signal: interrupt.signal,
    watcher: view,
  });
  const reports = await Reports.create(lab, {
    directory: options.report ?? null,
    lazily: false,
    several: runs.length > 1,
  });
  const outcomes: Outcome[] = [];
  const told: RunReport[] = [];
  try {
    await campaign({
      lab: { ...lab, deadline: null, keep: (job, outcome) => reports.keepLogs(job, outcome) },
      runs,
      onBegin(scenario, seed) {
        const count = runs.length === 1 ? '' : `${outcomes.length + 1} of ${runs.length}`;
        view.next(`${scenario.name} (seed ${seed})`, count);
      },
      onOutcome(outcome) {
        outcomes.push(outcome);
        told.push(reports.add(outcome, again(outcome, options)));
        view.clear();
        if (!options.json) stdout.lines(...outcomeLines(outcome));
        return true;
      },
    });
  } finally {
    view.clear();
    reports.tell();
  }
  if (options.json) stdout.json({ runs: told }, 2);
  else for (const line of tally(outcomes, lab.command)) stdout.lines(line);
  return codeOf(outcomes);
}

/** What makes one run once more. */
function again({ scenario, seed }: Pick<Outcome, 'scenario' | 'seed'>, options: ChaosRunOptions): string {
  const which = scenario.file === null || isShipped(scenario) ? scenario.name : scenario.file;
  const job = options.file === undefined ? [] : ['--file', options.file];
  const consents = faultsOf(scenario).flatMap(f => f.consent?.flag ?? []);
  const words = [which, ...job, '--seed', String(seed), ...new Set(consents)];
  return `ftc chaos run ${words.map(quoted).join(' ')}`;
}

/** Of the gravest. */
function codeOf(outcomes: readonly Outcome[]): number {
  const is = (conclusion: Outcome['conclusion']): boolean => outcomes.some(o => o.conclusion === conclusion);
  if (is('interrupted')) return ExitCode.interrupted;
  if (is('broken')) return ExitCode.broken;
  return outcomes.every(o => o.conclusion === 'holds') ? ExitCode.ok : ExitCode.notJudged;
}

/** Each scenario with each seed: that of the command line, the file's or a new one, and those that follow it. */
function runsOf(scenarios: readonly Scenario[], options: ChaosRunOptions): Run[] {
  const seed = number('--seed', options.seed, 0);
  const repeat = number('--repeat', options.repeat, 1) ?? 1;
  const fresh = Math.floor(Math.random() * 2 ** 31);
  return scenarios.flatMap(scenario =>
    Array.from({ length: repeat }, (_, k) => ({ scenario, seed: (seed ?? scenario.seed ?? fresh) + k })),
  );
}

function list(json: boolean): number {
  const rows = shippedNames()
    .map(shipped)
    .map(({ name, title, description }) => ({ name, title, description }));
  const lines = table(
    ['SCENARIO', 'WHAT HAPPENS'],
    rows.map(r => [r.name, r.description]),
  );
  if (json) stdout.json(rows, 2);
  else stdout.lines(...lines);
  return ExitCode.ok;
}
