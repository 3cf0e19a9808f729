/** One scenario on one run of a job: the undisturbed run to compare with, the run that is broken, and the judgement. */
import { FtcError } from '../../src/errors.ts';
import type { RunningJob, Stages } from '../../src/runtime/job.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import type { Job } from '../../src/job/job.ts';
import type { LoadedJob } from '../../src/job/load.ts';
import { experiment as purpose } from '../../src/trial/project.ts';
import { prepareRun, startRun } from '../../src/trial/start.ts';
import type { Evidence } from '../evidence/evidence.ts';
import type { Recorder } from '../evidence/recorder.ts';
import type { World } from '../faults/fault.ts';
import type { Undisturbed } from '../hypotheses/hypothesis.ts';
import { conclude, judge, type Verdict } from '../hypotheses/index.ts';
import { drawable, draw } from './draw.ts';
import { jobOf } from './job.ts';
import { isRandom, resolve, type Entry } from './method.ts';
import type { Scenario } from './scenario.ts';
import { watch } from './watch.ts';

export interface Laboratory {
  readonly runtime: Runtime;
  /** What faults of a job work with. */
  readonly world: (job: RunningJob) => World;
  readonly stages: Stages;
  readonly signal: AbortSignal;
  /** The job that scenarios change. */
  readonly base: LoadedJob;
  /** What the person typed. */
  readonly command: string;
  /** Why this platform cannot do a fault; null where it can. */
  readonly cannot: (fault: string) => string | null;
  /** The run of the same job that nothing happens to. */
  readonly undisturbed: (loaded: LoadedJob, run: () => Promise<Undisturbed>) => Promise<Undisturbed>;
  readonly watcher: Watcher;
  /** No fault begins after it, milliseconds since the epoch; null for as long as jobs run. */
  readonly deadline: number | null;
  /** Before a run is removed that broke a hypothesis. */
  readonly keep: (job: RunningJob, outcome: Outcome) => Promise<void>;
}

export interface Watcher {
  /** The undisturbed run begins, or a scenario's. */
  begin(what: 'undisturbed' | 'scenario'): void;
  look(recorder: Recorder): void;
}

/** `holds`: all hypotheses do. */
export type Conclusion = 'holds' | 'broken' | 'not judged' | 'skipped' | 'interrupted';

export interface Outcome {
  readonly scenario: Scenario;
  readonly seed: number;
  readonly conclusion: Conclusion;
  /** Why it is no pass; null where it is one. */
  readonly reason: string | null;
  readonly verdicts: readonly Verdict[];
  readonly entries: readonly Entry[];
  /** Null where the scenario was not run. */
  readonly project: string | null;
  readonly job: Job;
  readonly evidence: Evidence | null;
  readonly undisturbed: Undisturbed | null;
}

/** Training that does not move for so long is given up, or three times what a hypothesis allows. Milliseconds. */
const GIVE_UP_MS = 120_000;

/** Everything that it made is gone when it returns. @throws FtcError when a job cannot be started, or fails undisturbed */
export async function experiment(lab: Laboratory, scenario: Scenario, seed: number): Promise<Outcome> {
  const job = jobOf(lab.base.job, scenario);
  const loaded = { ...lab.base, job };
  const about = {
    scenario,
    seed,
    job,
    verdicts: [],
    entries: [],
    project: null,
    evidence: null,
    undisturbed: null,
  };
  const impossible = impossibleOf(scenario, lab);
  if (impossible !== null) return { ...about, conclusion: 'skipped', reason: impossible };
  const undisturbed = await lab.undisturbed(loaded, () => runUndisturbed(lab, loaded));
  const entries = entriesOf(scenario, undisturbed.steps, seed, name => lab.cannot(name) === null);
  lab.watcher.begin('scenario');
  return onRun(lab, loaded, job.standbys, async running => {
    const evidence = await watch({
      ...lab,
      world: lab.world(running),
      job: running,
      scenario,
      entries,
      seed,
      standbys: job.standbys,
      giveUpMs: Math.max(GIVE_UP_MS, 3 * (scenario.hypothesis.standstill ?? 0)),
      onLook: recorder => lab.watcher.look(recorder),
    });
    const verdicts = judge(scenario.hypothesis, evidence, undisturbed);
    const about = { scenario, seed, job, verdicts, entries, project: running.name, evidence, undisturbed };
    const outcome = { ...about, ...concluded(verdicts, lab.signal.aborted) };
    if (outcome.conclusion === 'broken') await lab.keep(running, outcome);
    return outcome;
  });
}

/** Pure. */
export function entriesOf(
  { method }: Scenario,
  totalSteps: number,
  seed: number,
  can: (fault: string) => boolean,
): Entry[] {
  const possible = drawable.filter(can);
  return method.flatMap(entry =>
    isRandom(entry) ? draw(entry, possible, totalSteps, seed) : [resolve(entry, totalSteps)],
  );
}

/** Pure. */
export function concluded(
  verdicts: readonly Verdict[],
  interrupted: boolean,
): { conclusion: Conclusion; reason: string | null } {
  const holds = conclude(verdicts);
  const first = (value: boolean | null): string | null => {
    const verdict = verdicts.find(v => v.holds === value);
    return verdict ? `${verdict.claim}: ${verdict.seen}` : null;
  };
  if (interrupted) return { conclusion: 'interrupted', reason: 'interrupted before its end' };
  if (holds === true) return { conclusion: 'holds', reason: null };
  return holds === false
    ? { conclusion: 'broken', reason: first(false) }
    : { conclusion: 'not judged', reason: first(null) };
}

/** A scenario with a fault that cannot be done here proves nothing; of random ones some are enough. */
function impossibleOf({ method }: Scenario, { cannot }: Laboratory): string | null {
  for (const entry of method) {
    if (isRandom(entry)) {
      const kinds = entry.kinds ?? drawable;
      if (kinds.every(name => cannot(name) !== null)) return `none of ${kinds.join(', ')} can be done here`;
    } else if (entry.deed.kind === 'fault') {
      const { fault } = entry.deed;
      const why = cannot(fault);
      if (why !== null) return `${fault} cannot be done here: ${why}`;
    }
  }
  return null;
}

async function runUndisturbed(lab: Laboratory, loaded: LoadedJob): Promise<Undisturbed> {
  lab.watcher.begin('undisturbed');
  const evidence = await onRun(lab, loaded, 0, job =>
    watch({
      ...lab,
      world: lab.world(job),
      job,
      scenario: { rollbacks: [], atOnce: 1, minInterval: 0 },
      entries: [],
      seed: 0,
      standbys: 0,
      giveUpMs: GIVE_UP_MS,
      onLook: recorder => lab.watcher.look(recorder),
    }),
  );
  lab.signal.throwIfAborted();
  const { state, digest, totalSteps, firstStep, end, reason, traceback, gaveUp } = evidence;
  if (state === 'succeeded' && digest !== null && totalSteps !== null)
    return { digest, steps: totalSteps, trainingMs: end - (firstStep ?? 0) };
  const why = gaveUp ?? reason ?? `it is ${state ?? 'not to be seen'}`;
  throw new FtcError(
    'FTC_JOB_FAILED',
    `the baseline failed: ${why}${traceback ? `\n${traceback.trimEnd()}` : ''}`,
    {
      hint: 'Nothing was broken in it yet: "ftc up" shows the same.',
    },
  );
}

async function onRun<T>(
  lab: Laboratory,
  loaded: LoadedJob,
  standbys: number,
  work: (job: RunningJob) => Promise<T>,
): Promise<T> {
  const { workers, name } = loaded.job;
  const prepared = await prepareRun(lab, purpose, loaded, { workers, standbys, first: 1 });
  try {
    return await work(await startRun(lab, prepared, false));
  } finally {
    await lab.runtime.removeRun({ purpose, job: name }, prepared.name);
  }
}
