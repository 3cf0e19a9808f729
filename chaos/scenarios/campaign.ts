/** Scenarios one after the other, each as often as asked for, in projects of their own. */
import type { LoadedJob } from '../../src/job/load.ts';
import { ownPackage } from '../../src/package.ts';
import { experiment as purpose } from '../../src/trial/project.ts';
import { clearRuns, prepareRun } from '../../src/trial/start.ts';
import type { Undisturbed } from '../hypotheses/hypothesis.ts';
import { experiment, type Laboratory, type Outcome } from './experiment.ts';
import { jobOf, ownScript } from './job.ts';
import { isSelfContained, resultKey, type Ground } from './key.ts';
import type { Scenario } from './scenario.ts';
import { UndisturbedRuns } from './undisturbed.ts';

export interface Campaign {
  readonly lab: Omit<Laboratory, 'undisturbed'>;
  /** In order; the same one may come several times. The next one is asked for when the one before it is over. */
  readonly runs: Iterable<{ readonly scenario: Scenario; readonly seed: number }>;
  /** Before each. */
  readonly onBegin: (scenario: Scenario, seed: number) => void;
  /** After each; the next one waits for it. False ends it all. */
  readonly onOutcome: (outcome: Outcome) => boolean;
}

/**
 * Ends early when it is interrupted: then the last outcome says so.
 * @throws FtcError FTC_ALREADY_RUNNING, and what building, starting and the undisturbed run can throw
 */
export async function campaign({ lab, runs, onBegin, onOutcome }: Campaign): Promise<void> {
  await clearRuns(lab, { purpose, job: lab.base.job.name }, 'a chaos run');
  const builder = new Builder(lab);
  const known = new UndisturbedRuns(lab.base.projectDir);
  const undisturbed = async (loaded: LoadedJob, run: () => Promise<Undisturbed>): Promise<Undisturbed> => {
    const ground = await builder.ground(loaded);
    return known.of(resultKey(loaded.job, ground), isSelfContained(loaded.job, ownScript()), run);
  };
  for (const { scenario, seed } of runs) {
    onBegin(scenario, seed);
    const outcome = await orInterrupted(lab, scenario, seed, () =>
      experiment({ ...lab, undisturbed }, scenario, seed),
    );
    if (!onOutcome(outcome) || outcome.conclusion === 'interrupted') return;
  }
}

/** Ctrl+C while a job is being started, or stands undisturbed. */
async function orInterrupted(
  { signal, base }: Campaign['lab'],
  scenario: Scenario,
  seed: number,
  run: () => Promise<Outcome>,
): Promise<Outcome> {
  try {
    return await run();
  } catch (error) {
    if (!signal.aborted) throw error;
    return {
      scenario,
      seed,
      conclusion: 'interrupted',
      reason: 'interrupted before it began',
      verdicts: [],
      entries: [],
      project: null,
      job: jobOf(base.job, scenario),
      evidence: null,
      undisturbed: null,
    };
  }
}

/** Builds each image once, and knows what it was. */
class Builder {
  readonly #lab: Campaign['lab'];
  readonly #grounds = new Map<string | null, Ground>();

  constructor(lab: Campaign['lab']) {
    this.#lab = lab;
  }

  async ground(loaded: LoadedJob): Promise<Ground> {
    const { base, workers } = loaded.job;
    const known = this.#grounds.get(base);
    if (known) return known;
    const prepared = await prepareRun(this.#lab, purpose, loaded, { workers, standbys: 0, first: 1 });
    const { image, machine } = await prepared.build(this.#lab);
    const ground = { image, machine: `${machine} ${ownPackage().version}` };
    this.#grounds.set(base, ground);
    return ground;
  }
}
