/** `ftc chaos run SCENARIO...`: breaks jobs of its own as scenarios say, and gives a verdict on each. */
import { faults } from '../../chaos/faults/index.ts';
import { campaign } from '../../chaos/scenarios/campaign.ts';
import type { RunReport } from '../../chaos/report/schema.ts';
import type { Outcome } from '../../chaos/scenarios/experiment.ts';
import type { Scenario } from '../../chaos/scenarios/scenario.ts';
import { faultsOf, findScenarios, shipped, shippedNames } from '../../chaos/scenarios/shipped.ts';
import { ExitCode, FtcError } from '../errors.ts';
import type { JobFlags } from '../job/sources.ts';
import { createLab, quoted, reportFolder } from './chaos-lab.ts';
import { Interrupt } from './interrupt.ts';
import { outcomeLines, tally } from './view/chaos-run.ts';
import { createChaosRunView } from './view/chaos-run-live.ts';
import { table } from './view/format.ts';

export interface ChaosRunOptions extends JobFlags {
  readonly seed?: string;
  readonly repeat?: string;
  readonly report?: string;
  readonly list?: boolean;
  readonly json?: boolean;
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
    keep: () => Promise.resolve(),
  });
  const folder = await reportFolder(options.report, lab, runs.length > 1);
  const count = (index: number): string => (runs.length === 1 ? '' : `${index + 1} of ${runs.length}`);
  const begin = (index: number): void => {
    const next = runs[index];
    if (next) view.next(`${next.scenario.name} (seed ${next.seed})`, count(index));
  };
  const outcomes: Outcome[] = [];
  const reports: RunReport[] = [];
  try {
    begin(0);
    await campaign({
      lab,
      runs,
      onOutcome(outcome, index) {
        outcomes.push(outcome);
        reports.push(folder.add(outcome, again(outcome, options)));
        view.clear();
        if (!options.json) process.stdout.write(`${outcomeLines(outcome).join('\n')}\n`);
        if (outcome.conclusion !== 'interrupted') begin(index + 1);
        return Promise.resolve();
      },
    });
  } finally {
    view.clear();
  }
  if (options.json) process.stdout.write(`${JSON.stringify({ runs: reports }, null, 2)}\n`);
  else for (const line of tally(outcomes, lab.command)) process.stdout.write(`${line}\n`);
  if (folder.first !== null) process.stderr.write(`report: ${folder.first}\n`);
  return codeOf(outcomes);
}

/** What makes one run once more. */
function again({ scenario, seed }: Outcome, options: ChaosRunOptions): string {
  const which =
    scenario.file === null || shippedNames().includes(scenario.name) ? scenario.name : scenario.file;
  const job = options.file === undefined ? [] : ['--file', options.file];
  const consents = faultsOf(scenario).flatMap(f => f.consent?.flag ?? []);
  return [
    'ftc chaos run',
    quoted(which),
    ...job.map(quoted),
    '--seed',
    String(seed),
    ...new Set(consents),
  ].join(' ');
}

/** Of the gravest. */
function codeOf(outcomes: readonly Outcome[]): number {
  const is = (conclusion: Outcome['conclusion']): boolean => outcomes.some(o => o.conclusion === conclusion);
  if (is('interrupted')) return ExitCode.interrupted;
  if (is('broken')) return ExitCode.broken;
  return outcomes.every(o => o.conclusion === 'holds') ? ExitCode.ok : ExitCode.notJudged;
}

/** Each scenario with each seed: that of the command line, the file's or a new one, and those that follow it. */
function runsOf(
  scenarios: readonly Scenario[],
  options: ChaosRunOptions,
): { scenario: Scenario; seed: number }[] {
  const seed = number('--seed', options.seed, 0);
  const repeat = number('--repeat', options.repeat, 1) ?? 1;
  const fresh = Math.floor(Math.random() * 2 ** 31);
  return scenarios.flatMap(scenario =>
    Array.from({ length: repeat }, (_, k) => ({ scenario, seed: (seed ?? scenario.seed ?? fresh) + k })),
  );
}

function number(flag: string, text: string | undefined, least: number): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,10}$/.test(text) && Number(text) >= least) return Number(text);
  throw new FtcError('FTC_USAGE', `${flag} is "${text}" and must be a whole number from ${least}`);
}

function list(json: boolean): number {
  const rows = shippedNames()
    .map(shipped)
    .map(({ name, title, description }) => ({ name, title, description }));
  const lines = table(
    ['SCENARIO', 'WHAT IT IS'],
    rows.map(r => [r.name, r.title]),
  );
  process.stdout.write(json ? `${JSON.stringify(rows, null, 2)}\n` : `${lines.join('\n')}\n`);
  return ExitCode.ok;
}
