/** `ftc chaos soak`: random faults, round after round, until a hypothesis breaks or the time is over. */
import type { Fault } from '../../chaos/faults/fault.ts';
import { faultNamed } from '../../chaos/faults/index.ts';
import { campaign } from '../../chaos/scenarios/campaign.ts';
import { drawable } from '../../chaos/scenarios/draw.ts';
import type { Outcome } from '../../chaos/scenarios/experiment.ts';
import { replayOf } from '../../chaos/soak/replay.ts';
import { roundOf } from '../../chaos/soak/rounds.ts';
import { soakReport, type SoakReport } from '../../chaos/soak/tally.ts';
import { ExitCode, FtcError } from '../errors.ts';
import { parseDuration } from '../job/duration.ts';
import type { JobFlags } from '../job/sources.ts';
import { now } from '../shared/clock.ts';
import { duration } from '../shared/duration.ts';
import { createLab, number, quoted } from './chaos-lab.ts';
import { Reports } from './chaos-reports.ts';
import { Interrupt } from './interrupt.ts';
import { createChaosRunView } from './view/chaos-run-live.ts';
import { outcomeLines } from './view/chaos-run.ts';
import { roundLine, soakLines } from './view/chaos-soak.ts';
import { stderr, stdout } from './print.ts';

export interface ChaosSoakOptions extends JobFlags {
  readonly for?: string;
  readonly faults?: string;
  readonly kinds?: string;
  readonly seed?: string;
  readonly report?: string;
  readonly json?: boolean;
}

/** Where neither a time nor a number of faults is named. */
const USUAL = '10m';

export async function run(options: ChaosSoakOptions): Promise<number> {
  const seed = number('--seed', options.seed, 0) ?? Math.floor(Math.random() * 2 ** 31);
  const most = number('--faults', options.faults, 1) ?? null;
  const ms = lengthOf(options.for ?? (most === null ? USUAL : undefined));
  const kinds = kindsOf(options.kinds);
  const interrupt = new Interrupt('interrupt');
  const view = createChaosRunView();
  const wanted = (kinds ?? drawable).map(faultNamed);
  const lab = await createLab(options, wanted, { signal: interrupt.signal, watcher: view });
  refuseImpossible(wanted, lab.cannot);
  // Without a folder, one is made when there is something to keep.
  const directory = options.report ?? `chaos-soak-${seed}`;
  const reports = await Reports.create(lab, {
    directory,
    several: true,
    lazily: options.report === undefined,
  });
  const deadline = ms === null ? null : now() + ms;
  const outcomes: Outcome[] = [];
  const faults = (): number => outcomes.reduce((sum, o) => sum + (o.evidence?.faults.length ?? 0), 0);
  const again = commandOf(options, seed);
  let replay: string | null = null;

  function* rounds(): Generator<ReturnType<typeof roundOf>> {
    for (let round = 1; now() < (deadline ?? Infinity) && faults() < (most ?? Infinity); round += 1)
      yield roundOf({ seed, kinds }, round, most === null ? null : most - faults());
  }
  try {
    await campaign({
      lab: { ...lab, deadline, keep: (job, outcome) => reports.keepLogs(job, outcome) },
      runs: rounds(),
      onBegin: scenario => view.next(`${scenario.title} (seed ${seed})`, left(deadline, most, faults())),
      onOutcome(outcome) {
        outcomes.push(outcome);
        const broken = outcome.conclusion === 'broken';
        const path = broken ? reports.file('replay.yaml', replayOf(outcome, again)) : null;
        if (path !== null) replay = replayCommand(path, options);
        reports.add(outcome, replay ?? again);
        view.clear();
        const lines = broken ? outcomeLines(outcome) : [roundLine(outcome)];
        if (!options.json) stdout.lines(...lines);
        // Where not one of them found anybody, more would not either.
        return !broken && (outcome.evidence?.faults.length ?? 0) > 0;
      },
    });
  } finally {
    view.clear();
    reports.tell();
  }
  const report = soakReport(outcomes, { seed, replay, command: again });
  if (options.json) stdout.json(report, 2);
  else stdout.lines(...soakLines(report));
  return codes[report.conclusion];
}

/** What makes the same soak again. */
function commandOf(options: ChaosSoakOptions, seed: number): string {
  const flags = (['for', 'faults', 'kinds', 'file'] as const).flatMap(name =>
    options[name] === undefined ? [] : [`--${name}`, quoted(options[name])],
  );
  return ['ftc chaos soak --seed', String(seed), ...flags].join(' ');
}

/** What makes the broken round again, on the same job. */
function replayCommand(path: string, { file }: ChaosSoakOptions): string {
  return ['ftc chaos run', quoted(path), ...(file === undefined ? [] : ['--file', quoted(file)])].join(' ');
}

const codes: Readonly<Record<SoakReport['conclusion'], number>> = {
  holds: ExitCode.ok,
  broken: ExitCode.broken,
  interrupted: ExitCode.interrupted,
  'not judged': ExitCode.notJudged,
  skipped: ExitCode.notJudged,
};

function left(deadline: number | null, most: number | null, done: number): string {
  const parts = [
    ...(deadline === null ? [] : [`${duration(Math.max(0, deadline - now()))} left`]),
    ...(most === null ? [] : [`${done} of ${most} faults`]),
  ];
  return parts.join(', ');
}

/** @throws FtcError FTC_USAGE */
function lengthOf(text: string | undefined): number | null {
  if (text === undefined) return null;
  const ms = parseDuration(text);
  if (ms !== null && ms > 0) return ms;
  throw new FtcError('FTC_USAGE', `--for is "${text}" and must be a duration such as 30m`);
}

/** @throws FtcError FTC_USAGE */
function kindsOf(text: string | undefined): string[] | null {
  if (text === undefined) return null;
  const names = text.split(',').map(name => faultNamed(name.trim()).name);
  const refused = names.find(name => !drawable.includes(name));
  if (refused === undefined) return [...new Set(names)];
  throw new FtcError('FTC_USAGE', `${refused} is no fault for a soak`, {
    hint: `There are ${drawable.join(', ')}.`,
  });
}

/** Some are enough, unless they were named. @throws FtcError FTC_CANNOT */
function refuseImpossible(wanted: readonly Fault[], cannot: (name: string) => string | null): void {
  const reasons = wanted.map(({ name }) => [name, cannot(name)] as const);
  for (const [name, why] of reasons) if (why !== null) stderr.lines(`left out: ${name}: ${why}`);
  if (reasons.some(([, why]) => why === null)) return;
  throw new FtcError('FTC_CANNOT', 'none of these faults can be done here', {
    hint: '"ftc chaos list" shows what can.',
  });
}
